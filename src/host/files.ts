import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FormatError, MemoryError, rangeError } from '../core/errors.ts';
import type { ByteSink, ByteSource } from '../core/source.ts';

/** A file as a source: read where needed, never whole. Closed when the process ends, or by `close`. */
export interface FileSource extends ByteSource {
  close(): void;
}

/** @throws {FormatError} the file is missing, is no file, or can't be read */
export function openFile(path: string): FileSource {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new FormatError('this is no file', { code: 'E_NOT_A_FILE', where: path });
  }
  return {
    size: stat.size,
    name: basename(path),
    read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= stat.size)) {
        throw rangeError(
          'offset, length',
          `a range within ${stat.size} bytes`,
          `${offset}, ${length}`,
        );
      }
      const bytes = allocate(length, path);
      for (let at = 0; at < length; ) {
        const got = readSync(fd, bytes, at, length - at, offset + at);
        if (got === 0) {
          throw new FormatError('the file became shorter while it was read', {
            code: 'E_FILE_CHANGED',
            where: path,
          });
        }
        at += got;
      }
      return bytes;
    },
    close: () => closeSync(fd),
  };
}

function allocate(length: number, where: string): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new MemoryError(`${length} bytes could not be had`, { code: 'E_MEMORY', where, cause });
  }
}

/** A whole file, or standard input for `-`. */
export function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === '-' ? 0 : path));
  } catch (error) {
    throw unreadable(path === '-' ? 'standard input' : path, error);
  }
}

function unreadable(path: string, error: unknown): FormatError {
  const { code } = error as { code?: string };
  const missing = code === 'ENOENT';
  const message = missing ? 'there is no such file' : `it can't be read (${code ?? String(error)})`;
  return new FormatError(message, {
    code: missing ? 'E_NO_FILE' : 'E_FILE',
    where: path,
    cause: error,
  });
}

/** Files beside a model, for its external data. A link is refused: it could lead out of the folder.
 *  @param modelPath  the model's file; members are looked up in its folder */
export function filesBeside(modelPath: string): (member: string) => FileSource | null {
  const folder = realpathSync(dirname(modelPath));
  return (member) => {
    const path = join(folder, ...member.split('/'));
    if (!existsSync(path)) return null;
    const within = realpathSync(path) === path;
    const stat = lstatSync(path);
    if (!within || stat.isSymbolicLink() || stat.nlink > 1) {
      throw new FormatError('the external file is a link', {
        code: 'E_EXTERNAL_LINK',
        where: member,
        hint: 'replace the link by a copy of the file',
      });
    }
    return openFile(path);
  };
}

/** A file that appears whole or not at all: written under a temporary name beside it, then renamed. */
export interface AtomicFile {
  /** Where the bytes are until `commit`. */
  readonly path: string;
  sink: ByteSink;
  /** Replaces everything written so far. */
  restart(bytes: Uint8Array): Promise<void>;
  /** Makes the file appear. */
  commit(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** @throws {FormatError} the file can't be made there */
export async function createFile(path: string): Promise<AtomicFile> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const handle = await open(temporary, 'wx').catch((error: unknown) => {
    const { code } = error as { code?: string };
    throw new FormatError(`it can't be written (${code})`, {
      code: 'E_FILE_WRITE',
      where: path,
      ...(code === 'ENOENT' ? { hint: 'its folder does not exist' } : {}),
      cause: error,
    });
  });
  const remove = (): void => rmSync(temporary, { force: true });
  process.once('exit', remove);
  const done = (): void => {
    process.removeListener('exit', remove);
  };
  let end = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await handle.write(chunk, at, chunk.length - at, end);
      at += bytesWritten;
      end += bytesWritten;
    }
  };
  return {
    path: temporary,
    sink: { write },
    async restart(bytes) {
      await handle.truncate(0);
      end = 0;
      await write(bytes);
    },
    async commit() {
      await handle.sync();
      await handle.close();
      await rename(temporary, path);
      done();
    },
    async discard() {
      await handle.close().catch(() => undefined);
      remove();
      done();
    },
  };
}
