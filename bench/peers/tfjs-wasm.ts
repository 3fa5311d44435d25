// TensorFlow.js on its WebAssembly backend: one thread, as it always is in Node.
import { serve } from './serve.ts';
import { numbers, volume } from './tasks.ts';

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/** What is used of @tensorflow/tfjs-core, which is installed apart (bench/package.json). */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  conv2d(x: TfTensor, w: TfTensor, strides: readonly number[], pad: number): TfTensor;
  depthwiseConv2d(x: TfTensor, w: TfTensor, strides: readonly number[], pad: number): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    w: TfTensor,
    shape: readonly number[],
    strides: readonly number[],
    pad: number,
  ): TfTensor;
}

const core: string = '@tensorflow/tfjs-core';
const backend: string = '@tensorflow/tfjs-backend-wasm';
const tf: Tf = await import(core);
await import(backend);
if (!(await tf.setBackend('wasm'))) throw new Error('tfjs has no wasm backend here');
await tf.ready();

/** From typed array to typed array. */
function from(
  data: Float32Array,
  shape: readonly number[],
  compute: (x: TfTensor) => TfTensor,
): () => Float32Array {
  return () => {
    const x = tf.tensor(data, shape);
    const y = compute(x);
    const result = y.dataSync();
    x.dispose();
    y.dispose();
    return result;
  };
}

serve(async (task) => {
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      const a = numbers(m * k, 1);
      const right = numbers(k * n, 2);
      if (constant) {
        const b = tf.tensor(right, [k, n]);
        return { run: from(a, [m, k], (x) => tf.matMul(x, b)), dispose: () => b.dispose() };
      }
      const run = from(a, [m, k], (x) => {
        const b = tf.tensor(right, [k, n]);
        const y = tf.matMul(x, b);
        b.dispose();
        return y;
      });
      return { run };
    }
    case 'conv':
    case 'convTranspose': {
      const { shape, weightShape, strides, pads, groups } = task;
      const pad = pads[0]!;
      // Output channels first is ours; theirs come last, those of depthwise filters before a multiplier.
      const ours = tf.tensor(numbers(volume(weightShape), 2), weightShape);
      const inputs = shape.at(-1)!;
      const depthwise = groups > 1;
      if (depthwise && (groups !== inputs || weightShape[0] !== groups)) return null;
      const order =
        task.op === 'convTranspose' ? [1, 2, 0, 3] : depthwise ? [1, 2, 0, 3] : [1, 2, 3, 0];
      const w = tf.transpose(ours, order);
      ours.dispose();
      const output = [shape[0]!, shape[1]! * strides[0]!, shape[2]! * strides[1]!, weightShape[0]!];
      const compute = (x: TfTensor): TfTensor => {
        if (task.op === 'convTranspose') return tf.conv2dTranspose(x, w, output, strides, pad);
        return depthwise ? tf.depthwiseConv2d(x, w, strides, pad) : tf.conv2d(x, w, strides, pad);
      };
      return {
        run: from(numbers(volume(shape), 1), shape, compute),
        dispose: () => w.dispose(),
      };
    }
    default:
      return null;
  }
});
