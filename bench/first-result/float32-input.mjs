import { readFileSync } from 'node:fs';

/** Elements and sizes of an .npy file of float32 (version 1): it is ours, and no library is to be timed on it. */
export function float32Input(path) {
  const file = readFileSync(path);
  const length = file.readUInt16LE(8);
  const header = file.toString('latin1', 10, 10 + length);
  const dims = /\(([^)]*)\)/.exec(header)[1].split(',').filter(Boolean).map(Number);
  return { data: new Float32Array(new Uint8Array(file.subarray(10 + length)).buffer), dims };
}
