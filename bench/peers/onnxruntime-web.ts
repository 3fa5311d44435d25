// onnxruntime-web's WebAssembly backend on one thread: one-node models, weights as initializers.
import * as ort from 'onnxruntime-web';
import { constantOf } from '../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../../test/onnx-model.ts';
import { integerModel, isInteger } from './integers.ts';
import { serve } from './serve.ts';
import { type ConvTask, numbers, volume } from './tasks.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

interface Model {
  node: PlainNode;
  inputs: Record<string, readonly number[]>;
  weights: Record<string, readonly number[]>;
}

async function session({ node, inputs, weights }: Model): Promise<() => Promise<unknown>> {
  let seed = 1;
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => [
      name,
      new ort.Tensor('float32', numbers(volume(dims), seed++), dims),
    ]),
  );
  const model = makeOnnx({
    opset: 17,
    nodes: [node],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, dims]) => [name, ['float32', dims] as const]),
    ),
    outputs: { y: 'float32' },
    constants: Object.fromEntries(
      Object.entries(weights).map(([name, dims]) => {
        const bytes = new Uint8Array(numbers(volume(dims), seed++).buffer);
        return [name, constantOf('float32', dims, bytes)];
      }),
    ),
  });
  const loaded = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  return () => loaded.run(feeds);
}

function convModel({ op, shape, weightShape, strides, pads, groups }: ConvTask): Model {
  const channelsFirst = (sizes: readonly number[]): number[] => [
    sizes[0]!,
    sizes.at(-1)!,
    ...sizes.slice(1, -1),
  ];
  const ints = (value: readonly number[]): { type: 'ints'; value: bigint[] } => ({
    type: 'ints',
    value: value.map(BigInt),
  });
  const kernel = weightShape.slice(1, -1);
  const transposed = op === 'convTranspose';
  // A transposed convolution's weights have the input channels first.
  const weights = transposed
    ? [shape.at(-1)!, weightShape[0]! / groups, ...kernel]
    : channelsFirst(weightShape);
  return {
    node: {
      op: transposed ? 'ConvTranspose' : 'Conv',
      inputs: ['x', 'w'],
      outputs: ['y'],
      attributes: [
        ['kernel_shape', ints(kernel)],
        ['strides', ints(strides)],
        ['pads', ints(pads)],
        ['group', { type: 'int', value: BigInt(groups) }],
      ],
    },
    inputs: { x: channelsFirst(shape) },
    weights: { w: weights },
  };
}

serve(async (task) => {
  if (isInteger(task)) {
    const { model, type, dims, data } = integerModel(task);
    const loaded = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
    const x = new ort.Tensor(type, data, dims);
    return () => loaded.run({ x });
  }
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      const node = { op: 'MatMul', inputs: ['a', 'b'], outputs: ['y'] };
      return session({
        node,
        inputs: constant ? { a: [m, k] } : { a: [m, k], b: [k, n] },
        weights: constant ? { b: [k, n] } : {},
      });
    }
    case 'conv':
    case 'convTranspose':
      return session(convModel(task));
  }
});
