// f32 products and convolutions, each library called as its users call it: from typed array to typed array, with
// the weights packed when the model is loaded. ml-matrix has float64 only.
import type { Asked } from './comparison.ts';
import type { Bench } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import { type NamedTask, type Task, volume } from './peers/tasks.ts';

const than = (ratio: number): Asked => ({ than: { 'onnxruntime-web': ratio } });

function product(m: number, k: number, n: number, constant = true): NamedTask {
  const name = `f32 product ${m} × ${k} × ${n}${constant ? '' : ', neither operand known before'}`;
  const large = Math.min(m, k, n) >= 256;
  return {
    name,
    task: { op: 'matmul', m, k, n, constant },
    macs: m * k * n,
    ...(large ? { asked: than(1.4) } : {}),
    slow: m * k * n > 5e8,
  };
}

function convolution(
  what: string,
  size: number,
  channels: number,
  outputs: number,
  { kernel = 3, stride = 1, groups = 1, transposed = false } = {},
): NamedTask {
  const inner = channels / groups;
  const before = transposed ? 0 : (kernel - 1) >> 1;
  const task: Task = {
    op: transposed ? 'convTranspose' : 'conv',
    shape: [1, size, size, channels],
    weightShape: [outputs, kernel, kernel, inner],
    strides: [stride, stride],
    pads: [before, before, before, before],
    groups,
  };
  const pixels = transposed ? size * size : Math.ceil(size / stride) ** 2;
  return {
    name: `f32 ${what}, ${size}² × ${channels} → ${outputs}${stride > 1 ? `, stride ${stride}` : ''}`,
    task,
    macs: pixels * volume(task.weightShape),
    ...(groups > 1 ? { asked: than(1.5) } : {}),
    ...(groups === 1 && kernel === 3 ? { asked: than(1.3) } : {}),
  };
}

const depthwise = (size: number, channels: number, stride: number, kernel = 3): NamedTask =>
  convolution(`depthwise ${kernel} × ${kernel}`, size, channels, channels, {
    kernel,
    stride,
    groups: channels,
  });

const tasks: readonly NamedTask[] = [
  product(256, 256, 256),
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(512, 512, 512, false),
  product(1, 2048, 2048),
  convolution('conv 3 × 3', 56, 64, 64),
  convolution('conv 3 × 3', 14, 256, 256),
  convolution('conv 1 × 1', 56, 64, 256, { kernel: 1 }),
  convolution('conv 3 × 3', 224, 3, 32, { stride: 2 }),
  depthwise(56, 128, 1),
  depthwise(56, 128, 2),
  depthwise(28, 96, 1, 5),
  convolution('transposed conv 2 × 2', 28, 64, 32, { kernel: 2, stride: 2, transposed: true }),
];

export const productsBench: Bench = {
  name: 'products and convolutions',
  async run(options) {
    const peers = ['modelpress', 'onnxruntime-web', 'tfjs-wasm', 'ml-matrix'] as const;
    return { comparisons: await comparePeers(tasks, peers, options), groups: [] };
  },
};
