import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { skipLoudly } from './skip.ts';

const folder = new URL('../../shared/data/', import.meta.url);

/** The models and data sets beside the repository, or null (said loudly) where they are missing. */
export function sharedData(): string | null {
  if (existsSync(folder)) return fileURLToPath(folder);
  skipLoudly('../shared/data is not here: the tests on its models and data sets did not run');
  return null;
}

/** One file of it, e.g. `onnx-models/resnet20_cifar10.onnx`. */
export function sharedFile(path: string): Uint8Array | null {
  const root = sharedData();
  return root === null ? null : new Uint8Array(readFileSync(`${root}${path}`));
}
