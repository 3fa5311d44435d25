import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Attribute } from '../../../src/ir/index.ts';
import { activationKernels } from '../../../src/runtime/reference-contract/activations.ts';
import { arithmeticKernels } from '../../../src/runtime/reference-contract/arithmetic.ts';
import { poolKernels } from '../../../src/runtime/reference-contract/pool.ts';
import { softmaxKernels } from '../../../src/runtime/reference-contract/softmax.ts';
import type { StoredKernel } from '../../../src/runtime/reference-contract/stored.ts';
import { tableKernels } from '../../../src/runtime/reference-contract/tables.ts';
import { type Given, runKernel } from './operands.ts';

const operators = suite('operators of the reference contract, by hand');

const find = (table: readonly StoredKernel[], op: string): StoredKernel =>
  table.find((kernel) => kernel.op === op)!;
const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
const all = Array.from({ length: 256 }, (_, i) => i - 128);
const int8 = (levels: readonly number[], scale: number, zero: number): Given => ({
  type: 'int8',
  dims: [levels.length],
  levels,
  scale,
  zero,
});

/** A positive factor in 31 bits, by its definition. */
function factorOf(value: number): { multiplier: bigint; shift: number } {
  let shift = 0;
  let fraction = value;
  for (; fraction >= 1; shift++) fraction /= 2;
  for (; fraction < 0.5; shift--) fraction *= 2;
  return { multiplier: BigInt(Math.floor(fraction * 2 ** 31 + 0.5)), shift };
}

/** x · factor: the upper half of the doubled product, then a shift, each rounded. */
function scaled(x: bigint, value: number): bigint {
  const { multiplier, shift } = factorOf(value);
  const product = (shift > 0 ? x << BigInt(shift) : x) * multiplier;
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  const high = (product + nudge) / (1n << 31n);
  if (shift >= 0) return high;
  const half = 1n << BigInt(-shift - 1);
  return high >= 0n ? (high + half) >> BigInt(-shift) : -((-high + half) >> BigInt(-shift));
}

const limited = (level: bigint): number => Math.min(Math.max(Number(level), -128), 127);
const { fround } = Math;

operators('sums and products of all levels', () => {
  const [a, b, y] = [fround(0.0371), fround(0.0219), fround(0.0523)];
  const other = all.map((level) => (((level + 128) * 37 + 11) % 256) - 128);
  const inputs = [int8(all, a, -7), int8(other, b, 21)];
  const output = { type: 'int8', dims: [256], scale: y, zero: 5 } as const;
  const twice = 2 * Math.max(a, b);
  const sum = (p: number, q: number, sign: bigint): number => {
    const left = scaled(BigInt(p + 7) << 20n, a / twice);
    const right = scaled(BigInt(q - 21) << 20n, b / twice);
    return limited(scaled(left + sign * right, twice / fround(2 ** 20 * y)) + 5n);
  };
  const pairs = all.map((p, i) => [p, other[i]!] as const);
  const run = (op: string): number[] | undefined =>
    runKernel(find(arithmeticKernels, op), inputs, [output])?.[0];
  assert.equal(
    run('Add'),
    pairs.map(([p, q]) => sum(p, q, 1n)),
  );
  assert.equal(
    run('Sub'),
    pairs.map(([p, q]) => sum(p, q, -1n)),
  );
  const factor = fround(fround(a * b) / y);
  assert.equal(
    run('Mul'),
    pairs.map(([p, q]) => limited(scaled(BigInt((p + 7) * (q - 21)), factor) + 5n)),
  );
});

operators('activations', () => {
  const run = (kernel: StoredKernel, x: Given, scale: number, zero: number): number[] =>
    runKernel(kernel, [x], [{ type: 'int8', dims: x.dims, scale, zero }])![0]!;
  const relu = run(find(activationKernels, 'Relu'), int8(all, 0.1, 3), 0.1, 3);
  assert.equal(
    relu,
    all.map((level) => Math.max(level, 3)),
  );
  const leaky = run(find(activationKernels, 'LeakyRelu'), int8([-97, 3, 103], 0.5, 3), 0.5, 3);
  assert.equal(leaky, [2, 3, 103], 'a slope of 0.01: −100 becomes −1');
  // ±0 and far from it: 1/2, 0 and 1; 0 and ±1.
  const sigmoid = run(find(tableKernels, 'Sigmoid'), int8([-128, 0, 127], 0.1, 0), 1 / 256, -128);
  assert.equal(sigmoid, [-128, 0, 127]);
  const tanh = run(find(tableKernels, 'Tanh'), int8([-128, 0, 127], 0.1, 0), 1 / 128, 0);
  assert.equal(tanh, [-128, 0, 127]);
  const swish = run(
    find(activationKernels, 'HardSwish'),
    int8([-128, -31, 0, 31, 127], 0.1, 0),
    0.1,
    0,
  );
  assert.equal(swish, [0, 0, 0, 31, 127]);
});

operators('averages round ties away from zero', () => {
  const x: Given = { type: 'int8', dims: [1, 2, 2, 1], levels: [-3, -3, -2, -2], scale: 1 };
  const pool = { kernel_shape: ints(2, 2) };
  const output = { type: 'int8', dims: [1, 1, 1, 1], scale: 1 } as const;
  const kernel = find(poolKernels, 'AveragePool');
  assert.equal(runKernel(kernel, [x], [output], pool), [[-3]]);
  assert.equal(runKernel(kernel, [{ ...x, levels: [3, 3, 2, 2] }], [output], pool), [[3]]);
});

operators('shares', () => {
  const run = (levels: readonly number[], scale: number): number[] =>
    runKernel(
      softmaxKernels[0]!,
      [int8(levels, scale, 0)],
      [{ type: 'int8', dims: [levels.length], scale: 1 / 256, zero: -128 }],
    )![0]!;
  assert.equal(run([9, 9, 9, 9], 0.1), [-64, -64, -64, -64]);
  assert.equal(run([127, -128], 1), [127, -128]);
  // e^−1 / (1 + e^−1) = 0.26894: 68.85 of 256.
  assert.equal(run([10, 0], 0.1), [187 - 128, 69 - 128]);
});

operators.run();
