import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, UnsupportedError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { writeNpy } from '../formats/npy.ts';
import { type AtomicFile, createFile } from '../host/files.ts';
import { UsageError } from './options.ts';

export interface NamedTensor {
  name: string;
  tensor: Tensor;
}

/** A file for each tensor. Names come from the model: whatever could lead out of the folder, hide the file or meet
 *  another one is replaced. */
export function fileNames(
  folder: string,
  tensors: readonly NamedTensor[],
): Map<NamedTensor, string> {
  const files = new Map<NamedTensor, string>();
  const taken = new Set<string>();
  for (const named of tensors) {
    const plain = named.name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_') || 'output';
    const base = plain.slice(0, 200);
    let name = base;
    // File systems may not tell cases apart.
    for (let count = 1; taken.has(name.toLowerCase()); count++) name = `${base}_${count}`;
    taken.add(name.toLowerCase());
    files.set(named, join(folder, `${name}.npy`));
  }
  return files;
}

/** @throws {UsageError} one of the files exists */
export function refuseExisting(paths: Iterable<string>): void {
  for (const path of paths) {
    if (existsSync(path)) throw new UsageError(`${path} exists`, 'use --force to overwrite it');
  }
}

/** Writes all files or none, making the folder if it is missing.
 *  @returns  what no .npy file can hold, with the reason
 *  @throws {FormatError} the folder can't be made, or a file in it
 *  @throws {AbortError} the signal was aborted */
export async function writeTensors(
  folder: string,
  files: ReadonlyMap<NamedTensor, string>,
  signal: AbortSignal,
): Promise<{ skipped: Map<string, string> }> {
  const skipped = new Map<string, string>();
  const open: AtomicFile[] = [];
  try {
    makeFolder(folder);
    for (const [{ name, tensor }, path] of files) {
      signal.throwIfAborted();
      const bytes = npyOf(name, tensor, skipped);
      if (bytes === null) continue;
      const file = await createFile(path);
      open.push(file);
      await file.sink.write(bytes);
    }
    signal.throwIfAborted();
    for (const file of open) await file.commit();
  } catch (error) {
    for (const file of open) await file.discard();
    throw error;
  }
  return { skipped };
}

function npyOf(name: string, tensor: Tensor, skipped: Map<string, string>): Uint8Array | null {
  try {
    return writeNpy(tensor);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    skipped.set(name, error.message);
    return null;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new FormatError(`the folder can't be made (${code})`, {
      code: 'E_FILE_WRITE',
      where: folder,
      cause,
    });
  }
}
