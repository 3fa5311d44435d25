import { readdirSync, readFileSync } from 'node:fs';
import { sharedData } from '../../shared.ts';
import { untar } from '../../tar.ts';

export interface CorpusFile {
  name: string;
  bytes: Uint8Array;
}

/** Models of ../shared/data/onnx-models, all folders; empty (said loudly) where they are missing. */
export function* modelFiles(): Generator<CorpusFile> {
  const root = sharedData();
  if (root === null) return;
  const folder = `${root}onnx-models/`;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.onnx')) continue;
    const path = `${entry.parentPath}/${entry.name}`;
    yield { name: path.slice(folder.length), bytes: new Uint8Array(readFileSync(path)) };
  }
}

/** Files of the archive of ONNX conformance cases. */
export function nodeTestFiles(): CorpusFile[] {
  return archive('onnx-node-tests/cases.tar.gz');
}

/** ONNX files of the archive of broken files. */
export function malformedFiles(): CorpusFile[] {
  return archive('peer-cases/malformed.tar.gz').filter(({ name }) => name.includes('onnx'));
}

function archive(path: string): CorpusFile[] {
  const root = sharedData();
  return root === null ? [] : untar(new Uint8Array(readFileSync(root + path)));
}
