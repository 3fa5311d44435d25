import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { type Constant, constantOfTensor } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/session.ts';
import { inMode, modes } from '../kernels/int8/modes.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';
import { runModel, sqnr } from '../ort.ts';
import { int } from './one-operator.ts';
import { floats, integers, levels } from './quantized-model.ts';

const products = suite('products that quantize what they read');

interface Case {
  dims: readonly number[];
  n: number;
  weights: 'int8' | 'uint8';
  /** Whether columns have scales, and zero points, of their own. */
  byColumn: boolean;
  zero: boolean;
  bias: boolean;
}

const cases: Case[] = [
  { dims: [1, 16], n: 8, weights: 'int8', byColumn: true, zero: false, bias: false },
  { dims: [3, 5, 37], n: 13, weights: 'int8', byColumn: true, zero: false, bias: true },
  { dims: [70, 33], n: 65, weights: 'int8', byColumn: false, zero: false, bias: true },
  { dims: [2, 9, 64], n: 40, weights: 'uint8', byColumn: false, zero: true, bias: false },
  { dims: [7, 21], n: 9, weights: 'uint8', byColumn: true, zero: true, bias: true },
];

const source = random(11);

function reals(dims: readonly number[], size = 1): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: count }, () => (source.uniform() - 0.4) * size),
    dims,
  );
}

function spelled(item: Case): { bytes: Uint8Array; x: Tensor } {
  const { dims, n, weights, byColumn, zero, bias } = item;
  const k = dims.at(-1)!;
  const columns = byColumn ? n : 1;
  const own = byColumn ? [n] : [];
  const constants: Record<string, Constant> = {
    w: constantOfTensor(levels(source, weights, [k, n])),
    ws: floats(
      Array.from({ length: columns }, (_, i) => 0.003 + 0.0001 * i),
      own,
    ),
    ...(zero
      ? {
          wz: integers(
            weights,
            Array.from({ length: columns }, (_, i) => 120 + (i % 9)),
            own,
          ),
        }
      : {}),
    ...(bias ? { b: constantOfTensor(reals([n])) } : {}),
  };
  const nodes: PlainNode[] = [
    { op: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['q', 's', 'z'] },
    { op: 'MatMulInteger', inputs: ['q', 'w', 'z', ...(zero ? ['wz'] : [])], outputs: ['i'] },
    { op: 'Cast', inputs: ['i'], outputs: ['f'], attributes: [['to', int(1)]] },
    { op: 'Mul', inputs: ['s', 'ws'], outputs: ['m'] },
    { op: 'Mul', inputs: ['f', 'm'], outputs: [bias ? 'p' : 'y'] },
    ...(bias ? [{ op: 'Add', inputs: ['p', 'b'], outputs: ['y'] }] : []),
  ];
  const inputs = { x: ['float32', dims] as const };
  const bytes = makeOnnx({ opset: 17, nodes, inputs, outputs: { y: 'float32' }, constants });
  return { bytes, x: reals(dims, 3) };
}

for (const item of cases) {
  const { dims, n, weights } = item;
  products(`DynamicQuantizeLinear and MatMulInteger: [${dims}] by ${n}, ${weights}`, async () => {
    const { bytes, x } = spelled(item);
    const session = createSession(await readModel(bytes));
    const own = session.run({ x }).y!;
    assert.ok(session.profile({ x }).some(({ kernel }) => /dynamic tensor/.test(kernel)));
    session.dispose();
    const theirs = (await runModel(bytes, { x })).y!;
    assert.equal(own.dims, theirs.dims);
    // onnxruntime may add the bias with a fused multiplication.
    assert.ok(sqnr(theirs.data as Float32Array, own.data as Float32Array) > 120);
  });
}

/** DynamicMatMul alone, without its function: an operator of ours. */
function byRow(k: number, n: number): { bytes: Uint8Array; w: Int8Array; scale: Float32Array } {
  const w = levels(source, 'int8', [k, n]);
  const scale = Float32Array.from({ length: n }, (_, i) => 0.004 + 0.0002 * i);
  const bytes = makeOnnx({
    opset: 17,
    domains: { modelpress: 1 },
    nodes: [{ op: 'DynamicMatMul', domain: 'modelpress', inputs: ['x', 'w', 's'], outputs: ['y'] }],
    inputs: { x: ['float32', [1, k]] },
    outputs: { y: 'float32' },
    constants: { w: constantOfTensor(w), s: floats([...scale], [n]) },
  });
  return { bytes, w: w.data as Int8Array, scale };
}

/** Levels, sums and scales as written down in ops/modelpress.ts. */
function expected(x: Float32Array, w: Int8Array, scale: Float32Array, k: number): Float32Array {
  const n = scale.length;
  const y = new Float32Array((x.length / k) * n);
  for (let row = 0; row * k < x.length; row++) {
    const own = x.subarray(row * k, (row + 1) * k);
    const step = Math.fround(own.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / 127);
    const q = Array.from(own, (value) => {
      const ratio = step === 0 ? 0 : Math.fround(value / step);
      const floor = Math.floor(ratio);
      const rest = ratio - floor;
      return rest === 0.5 ? floor + (floor & 1) : Math.round(ratio);
    });
    for (let j = 0; j < n; j++) {
      const sum = q.reduce((total, level, i) => total + level * w[i * n + j]!, 0);
      y[row * n + j] = Math.fround(sum) * Math.fround(step * scale[j]!);
    }
  }
  return y;
}

for (const mode of modes) {
  products(`rows have scales of their own, and nothing of each other (${mode})`, async () => {
    for (const [k, n] of [
      [16, 8],
      [37, 11],
      [130, 65],
    ] as const) {
      const { bytes, w, scale } = byRow(k, n);
      const model = await readModel(bytes);
      model.graph.inputs[0]!.type = { kind: 'tensor', dtype: 'float32', shape: null };
      const m = 50;
      const batch = reals([m, k], 4).data as Float32Array;
      batch.fill(0, k, 2 * k);
      batch.subarray(2 * k, 3 * k).forEach((value, i, row) => {
        row[i] = value * 1000;
      });
      inMode(mode, () => {
        const session = createSession(model);
        const run = (rows: Float32Array): Float32Array => {
          const x = new Tensor('float32', rows, [rows.length / k, k]);
          return session.run({ x }).y!.data as Float32Array;
        };
        const whole = run(batch).slice();
        assert.equal(whole, expected(batch, w, scale, k));
        for (const [from, to] of [
          [0, 1],
          [2, 3],
          [3, 20],
          [17, 50],
        ] as const)
          assert.equal(run(batch.slice(from * k, to * k)), whole.slice(from * n, to * n));
        session.dispose();
      });
    }
  });
}

products.run();
