// Whole models in our runtime.
import { readFileSync } from 'node:fs';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { createSession } from '../../src/runtime/index.ts';
import type { Ready } from './serve.ts';
import type { ModelTask } from './tasks.ts';

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

export function feedsOf(feeds: ModelTask['feeds']): Record<string, Tensor> {
  return Object.fromEntries(feeds.map(({ name, npy }) => [name, readNpy(read(npy))]));
}

export async function modelSession(path: string, feeds: ModelTask['feeds']): Promise<Ready> {
  const session = createSession(await readModel(read(path)));
  const given = feedsOf(feeds);
  return { run: () => session.run(given), dispose: () => session.dispose() };
}
