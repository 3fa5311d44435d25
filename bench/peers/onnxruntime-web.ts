// onnxruntime-web's WebAssembly backend on one thread: one-node models, weights as initializers.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { constantOf } from '../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../../test/onnx-model.ts';
import { integerModel, isInteger } from './integers.ts';
import { type Ready, serve } from './serve.ts';
import { feedsOf } from './session.ts';
import { bytes, type ConvTask, numbers, type QuantizeTask, volume } from './tasks.ts';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

interface Model {
  node: PlainNode;
  inputs: Record<string, readonly number[]>;
  weights: Record<string, readonly number[]>;
}

type OrtFeeds = Readonly<Record<string, ort.Tensor>>;

async function load(model: Uint8Array, feeds: OrtFeeds): Promise<Ready> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
  });
  return { run: () => session.run(feeds), dispose: () => session.release() };
}

async function session({ node, inputs, weights }: Model): Promise<Ready> {
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
  return load(model, feeds);
}

function quantization({ op, count }: QuantizeTask): Promise<Ready> {
  const [type, output] =
    op === 'quantize' ? (['float32', 'uint8'] as const) : (['uint8', 'float32'] as const);
  const data = op === 'quantize' ? numbers(count, 1) : bytes(count, 1);
  const model = makeOnnx({
    opset: 17,
    nodes: [
      {
        op: op === 'quantize' ? 'QuantizeLinear' : 'DequantizeLinear',
        inputs: ['x', 'scale', 'zero'],
        outputs: ['y'],
      },
    ],
    inputs: { x: [type, [count]] },
    outputs: { y: output },
    constants: {
      scale: constantOf('float32', [], new Uint8Array(Float32Array.of(0.01).buffer)),
      zero: constantOf('uint8', [], Uint8Array.of(13)),
    },
  });
  return load(model, { x: new ort.Tensor(type, data, [count]) });
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
    return load(model, { x: new ort.Tensor(type, data, dims) });
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
    case 'quantize':
    case 'dequantize':
      return quantization(task);
    case 'model': {
      const feeds: Record<string, ort.Tensor> = {};
      for (const [name, { type, data, dims }] of Object.entries(feedsOf(task.feeds)))
        feeds[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
      return load(new Uint8Array(readFileSync(task.onnx ?? task.path)), feeds);
    }
    default:
      return null;
  }
});
