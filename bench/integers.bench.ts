// Quantized products and convolutions against onnxruntime-web, and against our own float32 of the same sizes, each
// from typed array to typed array with its weights packed beforehand.
import type { Bench } from './lib.ts';
import { nodes } from './nodes.ts';
import { comparePeers } from './peers/compare.ts';
import { type NamedTask, type Task, volume } from './peers/tasks.ts';

function product(m: number, k: number, n: number, signed = false): NamedTask {
  const name = `${signed ? 'int8' : 'uint8'} × int8 product ${m} × ${k} × ${n}`;
  return { name, task: { op: 'matmulInteger', m, k, n, signed }, macs: m * k * n };
}

function blocks(m: number, size: number, activations: 'float32' | 'int8'): NamedTask {
  const task = { op: 'matmulBlockwise', m, k: size, n: size, bits: 4, blockSize: 32 } as const;
  const name = `4-bit product ${m} × ${size} × ${size}, ${activations} activations`;
  return { name, task: { ...task, activations }, macs: m * size * size };
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
  return { name, task, macs: size * size * volume(task.weightShape) };
}

const tasks: readonly NamedTask[] = [
  product(256, 256, 256),
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(512, 512, 512, true),
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
];

export const integersBench: Bench = {
  name: 'quantized products and convolutions',
  async run(options) {
    const all = [];
    const peers = ['modelpress', 'modelpress-float32', 'onnxruntime-web'] as const;
    for (const node of options.nodes ?? nodes())
      all.push(...(await comparePeers(tasks, peers, node, options)));
    return all;
  },
};
