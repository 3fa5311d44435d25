import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Attribute } from '../../src/ir/index.ts';
import { constantOf } from '../../src/ir/index.ts';
import {
  batchedMatmul,
  type ConvTransposeOptions,
  conv,
  convShape,
  convTranspose,
  convTransposeShape,
  matmul,
} from '../../src/kernels/index.ts';
import { makeOnnx } from '../onnx-model.ts';
import { input, runModel } from '../ort.ts';
import { noise } from './products.ts';

// MatMul, Gemm, Conv and ConvTranspose of onnxruntime, which sums in an order of its own.
const test = suite('products against onnxruntime');
const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

interface Operand {
  values: Float32Array;
  dims: readonly number[];
}

async function run(
  op: string,
  operands: readonly Operand[],
  attributes: Record<string, Attribute> = {},
): Promise<{ values: Float32Array; dims: readonly number[] }> {
  const names = operands.map((_, i) => `x${i}`);
  const [x, ...constants] = operands as [Operand, ...Operand[]];
  const bytes = makeOnnx({
    opset: 17,
    nodes: [{ op, inputs: names, outputs: ['y'], attributes: Object.entries(attributes) }],
    inputs: { x0: ['float32', x.dims] },
    outputs: { y: 'float32' },
    constants: Object.fromEntries(
      constants.map(({ values, dims }, i) => [
        `x${i + 1}`,
        constantOf('float32', dims, new Uint8Array(values.slice().buffer)),
      ]),
    ),
  });
  const { y } = await runModel(bytes, { x0: input(x.values.slice(), x.dims) });
  return { values: y!.data as Float32Array, dims: y!.dims };
}

const ints = (value: readonly number[]): Attribute => ({
  type: 'ints',
  value: value.map(BigInt),
});
const int = (value: number): Attribute => ({ type: 'int', value: BigInt(value) });
const float = (value: number): Attribute => ({ type: 'float', value });

/** Terms are between −1 and 1, so sums of both sides are within terms²·2⁻²³ of the exact ones at worst. */
function near(got: Float32Array, want: Float32Array, terms: number, what: string): void {
  assert.is(got.length, want.length, what);
  let worst = 0;
  for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i]! - want[i]!));
  assert.ok(worst <= terms * Math.sqrt(terms) * 2 ** -23 + 2 ** -22, `${what}: ${worst}`);
}

test('MatMul', async () => {
  const cases: [number[], number[]][] = [
    [
      [7, 33],
      [33, 21],
    ],
    [
      [2, 3, 5, 40],
      [3, 40, 9],
    ],
    [
      [64, 300],
      [300, 65],
    ],
    [
      [1, 500],
      [500, 130],
    ],
    [[12], [12, 5]],
    [[4, 6, 12], [12]],
  ];
  for (const [aDims, bDims] of cases) {
    const a = { values: noise(volume(aDims), 1), dims: aDims };
    const b = { values: noise(volume(bDims), 2), dims: bDims };
    const want = await run('MatMul', [a, b]);
    const got = batchedMatmul(a.values, aDims, b.values, bDims);
    near(got, want.values, aDims.at(-1)!, `${aDims} × ${bDims}`);
  }
});

test('Gemm', async () => {
  const [m, k, n] = [19, 70, 27];
  const c = { values: noise(m * n, 3), dims: [m, n] };
  for (const [transA, transB] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    const a = { values: noise(m * k, 1), dims: transA === 1 ? [k, m] : [m, k] };
    const b = { values: noise(k * n, 2), dims: transB === 1 ? [n, k] : [k, n] };
    const attributes = {
      transA: int(transA),
      transB: int(transB),
      alpha: float(0.75),
      beta: float(-1.5),
    };
    const want = await run('Gemm', [a, b, c], attributes);
    const got = matmul(a.values, b.values, m, k, n, {
      transposeA: transA === 1,
      transposeB: transB === 1,
      alpha: 0.75,
      beta: -1.5,
      c: c.values,
    });
    near(got, want.values, k, `Gemm ${transA} ${transB}`);
  }
});

/** [a, …space, b] to [a, b, …space], or back. */
function swap(x: Float32Array, dims: readonly number[], toFirst: boolean): Operand {
  const [outer, space] = [dims[0]!, volume(dims.slice(1, -1))];
  const last = dims.at(-1)!;
  const values = new Float32Array(x.length);
  for (let i = 0; i < outer; i++) {
    for (let p = 0; p < space; p++) {
      for (let c = 0; c < last; c++) {
        const there = (i * space + p) * last + c;
        const here = (i * last + c) * space + p;
        if (toFirst) values[here] = x[there]!;
        else values[there] = x[here]!;
      }
    }
  }
  return { values, dims: [outer, last, ...dims.slice(1, -1)] };
}

type Case = ConvTransposeOptions & { strides: number[]; pads: number[]; dilations: number[] };

const convCases: Case[] = [
  [[1, 20, 20, 16], [24, 3, 3, 16], [1, 1], [1, 1, 1, 1], [1, 1], 1],
  [[2, 21, 18, 3], [16, 3, 3, 3], [2, 2], [0, 1, 1, 1], [1, 1], 1],
  [[1, 15, 15, 32], [32, 3, 3, 1], [1, 1], [1, 1, 1, 1], [1, 1], 32],
  [[1, 16, 15, 12], [12, 3, 3, 1], [2, 2], [0, 0, 1, 1], [1, 1], 12],
  [[1, 15, 15, 10], [10, 5, 5, 1], [1, 1], [2, 2, 2, 2], [1, 1], 10],
  [[1, 14, 14, 8], [16, 3, 3, 1], [1, 1], [2, 2, 2, 2], [2, 2], 8],
  [[2, 9, 9, 20], [12, 1, 1, 20], [1, 1], [0, 0, 0, 0], [1, 1], 1],
  [[1, 9, 9, 24], [16, 3, 2, 6], [1, 2], [1, 0, 1, 1], [2, 1], 4],
  [[3, 50, 6], [10, 5, 6], [2], [3, 1], [2], 1],
  [[1, 6, 7, 8, 5], [9, 3, 2, 3, 5], [1, 2, 1], [1, 0, 1, 1, 1, 1], [1, 1, 2], 1],
].map(([shape, weightShape, strides, pads, dilations, groups]) => ({
  shape: shape as number[],
  weightShape: weightShape as number[],
  strides: strides as number[],
  pads: pads as number[],
  dilations: dilations as number[],
  groups: groups as number,
}));

test('Conv', async () => {
  for (const options of convCases) {
    const { shape, weightShape, strides, pads, dilations, groups = 1 } = options;
    const x = noise(volume(shape), 1);
    const w = noise(volume(weightShape), 2);
    const bias = noise(weightShape[0]!, 3);
    const operands = [
      swap(x, shape, true),
      swap(w, weightShape, true),
      { values: bias, dims: [bias.length] },
    ];
    const want = await run('Conv', operands, {
      strides: ints(strides),
      pads: ints(pads),
      dilations: ints(dilations),
      group: int(groups),
    });
    const outShape = convShape(options);
    assert.equal([outShape[0], outShape.at(-1), ...outShape.slice(1, -1)], [...want.dims]);
    const got = swap(conv(x, w, { ...options, bias }), outShape, true);
    near(got.values, want.values, volume(weightShape.slice(1)), JSON.stringify(options));
  }
});

test('ConvTranspose', async () => {
  for (const options of convCases.filter(({ shape }) => shape.length === 4)) {
    const { shape, weightShape, strides, dilations, groups = 1 } = options;
    const pads = options.pads.map((pad) => Math.min(pad, 1));
    const outputPadding = strides.map((stride) => stride - 1);
    const kernel = weightShape.slice(1, -1);
    const [outputs, inner] = [weightShape[0]!, weightShape.at(-1)!];
    const x = noise(volume(shape), 1);
    const w = noise(volume(weightShape), 2);
    // Theirs is [channels, outputs / groups, …kernel].
    const theirs = new Float32Array(w.length);
    const [taps, perGroup] = [volume(kernel), outputs / groups];
    for (let o = 0; o < outputs; o++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let c = 0; c < inner; c++) {
          const channel = Math.floor(o / perGroup) * inner + c;
          const value = w[(o * taps + tap) * inner + c]!;
          theirs[(channel * perGroup + (o % perGroup)) * taps + tap] = value;
        }
      }
    }
    const operands = [
      swap(x, shape, true),
      { values: theirs, dims: [shape.at(-1)!, perGroup, ...kernel] },
    ];
    const want = await run('ConvTranspose', operands, {
      strides: ints(strides),
      pads: ints(pads),
      dilations: ints(dilations),
      group: int(groups),
      output_padding: ints(outputPadding),
    });
    const all = { ...options, pads, outputPadding };
    const outShape = convTransposeShape(all);
    assert.equal([outShape[0], outShape.at(-1), ...outShape.slice(1, -1)], [...want.dims]);
    const got = swap(convTranspose(x, w, all), outShape, true);
    near(got.values, want.values, volume(weightShape.slice(1)), JSON.stringify(all));
  }
});

test.run();
