import { Tensor } from '../core/tensor.ts';
import type { Model } from '../ir/model.ts';
import { loadWeights } from './prepare.ts';
import type { Runnable, Runner } from './runner.ts';
import { createSession } from './session.ts';

/** Runs models with our own sessions: the default wherever results are proved.
 *  Every run is a first one: what models remember is forgotten.
 *  @param read  reads a file: `readModel`, which this folder does not know
 *  @returns     a runner named `modelpress`; outputs that are sequences or empty optionals are left out
 *  Errors of the reader and of the session are passed on. */
export function ownRunner(read: (bytes: Uint8Array) => Promise<Model>): Runner {
  return {
    name: 'modelpress',
    load: async (bytes) => runnableOf(await read(bytes)),
    loadModel: runnableOf,
  };
}

/** A model in a session of its own. Its weights are brought into memory. */
export async function runnableOf(model: Model): Promise<Runnable> {
  await loadWeights(model);
  const session = createSession(model);
  return {
    async run(feeds) {
      const outputs: Record<string, Tensor> = {};
      session.reset();
      for (const [name, data] of Object.entries(session.run(feeds))) {
        if (data instanceof Tensor) outputs[name] = data;
      }
      return outputs;
    },
    async dispose() {
      session.dispose();
    },
  };
}
