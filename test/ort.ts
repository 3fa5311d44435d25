import { Tensor } from '../src/core/tensor.ts';
import { findOnnxRuntime } from '../src/host/onnxruntime.ts';
import type { Feeds, Runner } from '../src/runtime/runner.ts';

/** onnxruntime-node, which is a development dependency: without it nothing here is proved. */
export const runner: Runner = (await findOnnxRuntime())!;

/** Outputs of a model by onnxruntime-node. */
export async function runModel(bytes: Uint8Array, feeds: Feeds): Promise<Record<string, Tensor>> {
  const loaded = await runner.load(bytes);
  try {
    return await loaded.run(feeds);
  } finally {
    await loaded.dispose();
  }
}

/** Signal-to-noise ratio of numbers against a reference, dB. */
export function sqnr(reference: ArrayLike<number>, other: ArrayLike<number>): number {
  let signal = 0;
  let error = 0;
  for (let i = 0; i < reference.length; i++) {
    signal += reference[i]! ** 2;
    error += (reference[i]! - other[i]!) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

export function input(values: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', values, dims);
}
