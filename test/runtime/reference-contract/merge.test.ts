import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf, Tensor } from '../../../src/core/tensor.ts';
import type { Value } from '../../../src/ir/graph.ts';
import { type Attribute, Builder, constantOf, Model, tensorType } from '../../../src/ir/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { sigmoid16Kernels } from '../../../src/runtime/reference-contract/sigmoid16.ts';
import { softmaxKernels } from '../../../src/runtime/reference-contract/softmax.ts';
import { tableKernels } from '../../../src/runtime/reference-contract/tables.ts';
import { type Given, quantization, runKernel } from './operands.ts';

const merge = suite('builtins of several nodes, and 16-bit tables');

const all = Array.from({ length: 256 }, (_, i) => i - 128);

/** A model of int8 input and output whose real values in between are computed by `build`. */
function model(
  from: { scale: number; zero: number },
  to: { scale: number; zero: number },
  build: (b: Builder, x: Value) => Value,
  dims: readonly number[] = [256],
): Model {
  const result = new Model();
  const b = new Builder(result.graph);
  const parameters = (name: string, { scale, zero }: typeof from): Value[] => [
    b.constant(`${name}s`, constantOf('float32', [], bytesOf(Float32Array.of(scale)))),
    b.constant(`${name}z`, constantOf('int8', [], bytesOf(Int8Array.of(zero)))),
  ];
  const levels = b.input('x', tensorType('int8', dims));
  const real = b.node({ op: 'DequantizeLinear', inputs: [levels, ...parameters('x', from)] }, [
    'r',
  ]);
  const x = real.outputs[0]!;
  x.type = tensorType('float32', dims);
  x.quantization = quantization({ type: 'int8', ...from });
  const y = build(b, x);
  y.type = tensorType('float32', dims);
  y.quantization = quantization({ type: 'int8', ...to });
  const last = b.node({ op: 'QuantizeLinear', inputs: [y, ...parameters('y', to)] }, ['y']);
  last.outputs[0]!.type = tensorType('int8', dims);
  b.output(last.outputs[0]!);
  return result;
}

function run(made: Model, kernel: string, dims: readonly number[] = [256]): number[] {
  const session = createSession(made, { contract: 'reference' });
  const feeds = { x: new Tensor('int8', all, dims) };
  const kernels = session.profile(feeds).map((row) => row.kernel);
  assert.ok(kernels.includes(kernel), kernels.join(', '));
  const levels = Array.from(session.run(feeds).y!.data as Int8Array);
  session.dispose();
  return levels;
}

const node = (
  b: Builder,
  op: string,
  inputs: Value[],
  attributes: Record<string, Attribute> = {},
): Value => b.node({ op, inputs, attributes: Object.entries(attributes) }, [op]).outputs[0]!;

const near = (levels: readonly number[], real: (i: number) => number, most: number): void => {
  levels.forEach((level, i) => {
    const exact = Math.min(Math.max(real(i), -128), 127);
    assert.ok(Math.abs(level - exact) <= most, `${i}: ${level}, ${exact}`);
  });
};

merge('SQUARED_DIFFERENCE', () => {
  const constant = quantization({ type: 'int8', scale: 0.02, zero: 3 });
  const levels = run(
    model({ scale: 0.02, zero: 3 }, { scale: 0.05, zero: -128 }, (b, x) => {
      const c = b.constant('c', constantOf('int8', [1], bytesOf(Int8Array.of(53))));
      c.type = tensorType('float32', [1]);
      c.quantization = constant;
      const difference = node(b, 'Sub', [x, c]);
      return node(b, 'Mul', [difference, difference]);
    }),
    'levels SquaredDifference',
  );
  // Both operands have 7 bits more in between: half a level, and what these bits lose.
  near(levels, (i) => (0.02 * (all[i]! - 53)) ** 2 / 0.05 - 128, 0.52);
});

merge('RSQRT', () => {
  const levels = run(
    model({ scale: 0.1, zero: -128 }, { scale: 0.02, zero: -128 }, (b, x) =>
      node(b, 'Reciprocal', [node(b, 'Sqrt', [x])]),
    ),
    'levels Rsqrt',
  );
  assert.is(levels[0], 127, 'of 0 the greatest level');
  near(levels.slice(1), (i) => 1 / Math.sqrt(0.1 * (i + 1)) / 0.02 - 128, 0.51);
});

merge('SOFTMAX of logits with a factor', () => {
  const dims = [8, 32];
  const levels = run(
    model(
      { scale: 0.05, zero: 0 },
      { scale: 1 / 256, zero: -128 },
      (b, x) => {
        const beta = b.constant('b', constantOf('float32', [], bytesOf(Float32Array.of(0.5))));
        const scaled = node(b, 'Mul', [x, beta]);
        return node(b, 'Softmax', [scaled], { axis: { type: 'int', value: -1 } });
      },
      dims,
    ),
    'levels Softmax',
    dims,
  );
  const powers = all.map((level) => Math.exp(0.025 * level));
  const sums = Array.from({ length: 8 }, (_, row) =>
    powers.slice(32 * row, 32 * row + 32).reduce((a, b) => a + b, 0),
  );
  near(levels, (i) => (256 * powers[i]!) / sums[Math.floor(i / 32)]! - 128, 0.51);
});

merge('16-bit functions are within a few levels of the real ones', () => {
  const raw = Array.from({ length: 2048 }, (_, i) => i * 32 - 32768);
  const x = (unit: number): Given => ({ type: 'int16', dims: [2048], levels: raw, scale: unit });
  const check = (
    kernel: (typeof tableKernels)[number],
    unit: number,
    scale: number,
    real: (x: number) => number,
    most: number,
  ): void => {
    const levels = runKernel(kernel, [x(unit)], [{ type: 'int16', dims: [2048], scale }])![0]!;
    levels.forEach((level, i) => {
      const exact = real(unit * raw[i]!) / scale;
      assert.ok(Math.abs(level - Math.min(exact, 32767)) <= most, `${raw[i]}: ${level}, ${exact}`);
    });
  };
  const [logistic, tanh] = sigmoid16Kernels;
  check(logistic!, 0.0003, 2 ** -15, (v) => 1 / (1 + Math.exp(-v)), 2);
  check(tanh!, 0.0003, 2 ** -15, Math.tanh, 4);
  check(tableKernels.find(({ op }) => op === 'Exp')!, 0.0001, 0.001, Math.exp, 4);
  const row: Given = { type: 'int16', dims: [4], levels: [0, 1000, -3000, 500], scale: 0.001 };
  const shares = runKernel(
    softmaxKernels[0]!,
    [row],
    [{ type: 'int16', dims: [4], scale: 2 ** -15 }],
  )![0]!;
  const powers = [0, 1, -3, 0.5].map(Math.exp);
  const sum = powers.reduce((a, b) => a + b, 0);
  shares.forEach((share, i) => {
    assert.ok(Math.abs(share - (32768 * powers[i]!) / sum) < 6, `${share}`);
  });
});

merge.run();
