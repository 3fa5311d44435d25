// Quantized products and convolutions against onnxruntime-web, and against our own float32 of the same sizes, each
// from typed array to typed array with its weights packed beforehand.
import type { Asked, Goal } from './comparison.ts';
import type { Bench } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import { type NamedTask, type Task, volume } from './peers/tasks.ts';

/** Never slower than our own float32, and so much faster than the other. */
const asked = (goal?: Goal): { asked: Asked } => ({
  asked: {
    than: { 'own baseline': 1, ...(goal === undefined ? {} : { 'onnxruntime-web': goal }) },
  },
});

function product(
  m: number,
  k: number,
  n: number,
  { signed = false, requantized = false } = {},
): NamedTask {
  const result = requantized ? ', requantized' : '';
  const goal = m === 1 ? 3 : m >= 256 ? { baseline: 0.95, relaxed: 2 } : undefined;
  return {
    name: `${signed ? 'int8' : 'uint8'} × int8 product ${m} × ${k} × ${n}${result}`,
    task: { op: 'matmulInteger', m, k, n, signed, requantized },
    macs: m * k * n,
    ...asked(goal),
    slow: m * k * n > 5e8 || (m === 512 && signed),
  };
}

function blocks(m: number, size: number, activations: 'float32' | 'int8'): NamedTask {
  const task = { op: 'matmulBlockwise', m, k: size, n: size, bits: 4, blockSize: 32 } as const;
  const name = `4-bit product ${m} × ${size} × ${size}, ${activations} activations`;
  const slow = size === 1024 && m === 1;
  return {
    name,
    task: { ...task, activations },
    macs: m * size * size,
    ...asked(m === 1 ? 15 : undefined),
    slow,
  };
}

function convolution(
  what: string,
  size: number,
  channels: number,
  outputs: number,
  kernel: number,
  groups: number,
  signed: boolean,
): NamedTask {
  const pad = (kernel - 1) >> 1;
  const task: Task = {
    op: 'convInteger',
    shape: [1, size, size, channels],
    weightShape: [outputs, kernel, kernel, channels / groups],
    strides: [1, 1],
    pads: [pad, pad, pad, pad],
    groups,
    signed,
  };
  const name = `${signed ? 'int8' : 'uint8'} ${what}, ${size}² × ${channels} → ${outputs}`;
  const goal = groups > 1 ? 6 : signed ? 8 : undefined;
  return {
    name,
    task,
    macs: size * size * volume(task.weightShape),
    ...asked(goal),
    slow: size === 112 || (kernel === 1 && !signed),
  };
}

const tasks: readonly NamedTask[] = [
  product(64, 64, 64),
  product(64, 64, 64, { requantized: true }),
  product(256, 256, 256),
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(512, 512, 512, { signed: true }),
  product(1, 1024, 1024),
  product(1, 4096, 4096),
  blocks(1, 1024, 'int8'),
  blocks(1, 4096, 'int8'),
  blocks(1, 4096, 'float32'),
  blocks(128, 1024, 'float32'),
  ...[true, false].flatMap((signed) => [
    convolution('conv 3 × 3', 56, 64, 64, 3, 1, signed),
    convolution('conv 1 × 1', 56, 64, 256, 1, 1, signed),
    convolution('depthwise 3 × 3', 56, 128, 128, 3, 128, signed),
    convolution('depthwise 3 × 3', 112, 32, 32, 3, 32, signed),
  ]),
  ...(['quantize', 'dequantize'] as const).map((op): NamedTask => {
    const count = 2 ** 20;
    return { name: `${op} 2²⁰ values, uint8, new result`, task: { op, count } };
  }),
];

export const integersBench: Bench = {
  name: 'quantized products and convolutions',
  async run(options) {
    const peers = ['modelpress', 'own baseline', 'onnxruntime-web'] as const;
    return { comparisons: await comparePeers(tasks, peers, options), groups: [] };
  },
};
