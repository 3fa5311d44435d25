import { readdirSync, readFileSync } from 'node:fs';
import { sharedData } from '../../shared.ts';
import { untar } from '../../tar.ts';

export interface CorpusFile {
  name: string;
  bytes: Uint8Array;
}

/** Files of ../shared/data/tflite-models that say that they are TFLite; empty (said loudly) where they are missing. */
export function* tfliteFiles(): Generator<CorpusFile> {
  const root = sharedData();
  if (root === null) return;
  const folder = `${root}tflite-models/`;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(tflite|bin)$/.test(entry.name)) continue;
    const path = `${entry.parentPath}/${entry.name}`;
    const bytes = new Uint8Array(readFileSync(path));
    if (String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3')
      yield { name: path.slice(folder.length), bytes };
  }
}

/** TFLite files of the archive of broken files. */
export function malformedTflite(): CorpusFile[] {
  const root = sharedData();
  if (root === null) return [];
  const files = untar(new Uint8Array(readFileSync(`${root}peer-cases/malformed.tar.gz`)));
  return files.filter(({ name }) => name.endsWith('.tflite'));
}
