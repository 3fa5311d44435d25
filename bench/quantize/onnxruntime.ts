// Times of models in onnxruntime-node, on one thread, in turns.
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Feeds } from '../../src/runtime/runner.ts';

/** Best times of models with the same input, ms. */
export async function latencies(
  models: readonly Uint8Array[],
  feeds: Feeds,
  { quick }: { quick: boolean },
): Promise<number[]> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const [given] = Object.values(feeds);
  const tensor = new Tensor('float32', given!.data as Float32Array, [...given!.dims]);
  const sessions = await Promise.all(models.map((each) => InferenceSession.create(each, options)));
  const runs = sessions.map((session) => ({
    session,
    feeds: { [session.inputNames[0]!]: tensor },
  }));
  const best = models.map(() => Infinity);
  const until = performance.now() + (quick ? 300 : 3000);
  for (let round = 0; round < 5 || performance.now() < until; round++) {
    for (const [i, { session, feeds: own }] of runs.entries()) {
      const start = performance.now();
      await session.run(own);
      best[i] = Math.min(best[i]!, performance.now() - start);
    }
  }
  for (const { session } of runs) await session.release();
  return best;
}
