import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Attribute } from '../../../src/ir/index.ts';
import { lstmKernels } from '../../../src/runtime/reference-contract/lstm.ts';
import { svdfKernel } from '../../../src/runtime/reference-contract/svdf.ts';
import { goldens } from './lstm-golden.ts';
import { type Given, runKernel } from './operands.ts';

const recurrent = suite('recurrent operators on levels');

const int = (value: number): Attribute => ({ type: 'int', value });
const text = (value: string): Attribute => ({ type: 'string', value });

/** Sizes of an input of the golden model. */
function dimsOf(input: number): number[] {
  if (input === 0) return [3, 2, 5];
  if (input <= 4) return [4, 5];
  if (input <= 8) return [4, 3];
  return input === 16 ? [3, 4] : [4];
}

const types = { 8: 'int8', 16: 'int16', 32: 'int32' } as const;

for (const [name, { inputs, expected }] of Object.entries(goldens)) {
  recurrent(`an LSTM with projection and layer normalization, ${name}`, () => {
    const given = new Array<Given | null>(24).fill(null);
    for (const [input, bits, scale, levels] of inputs) {
      const type = types[bits as 8 | 16 | 32];
      given[input] = { type, dims: dimsOf(input), levels, scale, constant: input > 0 };
    }
    const state = { type: 'int8', scale: 2 ** -15, dims: [2, 3] } as const;
    const cell = { type: 'int16', scale: 2 / 65535, dims: [2, 4] } as const;
    given[18] = { ...state, levels: new Array<number>(6).fill(0) };
    given[19] = { ...cell, levels: new Array<number>(8).fill(0) };
    const results = runKernel(
      lstmKernels[0]!,
      given,
      [{ type: 'int8', scale: 2 / 255, dims: [3, 2, 3] }, state, cell],
      {
        activation: text('Tanh'),
        time_major: int(1),
        intermediate_scales: {
          type: 'floats',
          value: [0.007059, 0.007812, 0.007059, 0.007812, 0.007],
        },
        intermediate_zero_points: { type: 'ints', value: [0, 0, 0, 0, 0] },
      },
    );
    assert.equal(results?.[0], expected);
    assert.equal(results?.[1], expected.slice(-6));
  });
}

// svdf_test.cc, BlackBoxTestInteger: reals, and levels that TFLite expects.
const feature = [
  -0.31930989, -0.36118156, 0.0079667, 0.37613347, 0.22197971, 0.12416199, 0.27901134, 0.27557442,
  0.3905206, -0.36137494, -0.06634006, -0.10640851,
];
const time = [
  -0.31930989, 0.37613347, 0.27901134, -0.36137494, -0.36118156, 0.22197971, 0.27557442,
  -0.06634006, 0.0079667, 0.12416199, 0.3905206, -0.10640851, -0.0976817, 0.15294972, 0.39635518,
  -0.02702999, 0.39296314, 0.15785322, 0.21931258, 0.31053296, -0.36916667, 0.38031587, -0.21580373,
  0.27072677, 0.23622236, 0.34936687, 0.18174365, 0.35907319, -0.17493086, 0.324846, -0.10781813,
  0.27201805, 0.14324132, -0.23681851, -0.27115166, -0.01580888, -0.14943552, 0.15465137,
  0.09784451, -0.0337657,
];
const bias = [-0.0976817, 0.15294972, 0.39635518, -0.02702999];
const sequence = [
  [0.49837467, 0.19278903, 0.26584083, 0.17660543, 0.52949083, -0.77931279],
  [0.12609188, -0.46347019, -0.89598465, 0.35867718, 0.36897406, 0.73463392],
  [0.14278367, -1.64410412, -0.75222826, -0.57290924, 0.12729003, 0.7567004],
];
const expected = [
  [-9, 24, 31, 1, -10, 10, -3, 0],
  [2, 4, -44, -7, -10, 32, 52, 1],
  [12, -17, 9, -8, 7, 16, -11, -8],
  [-26, 29, 28, 16, -23, 26, 30, -6],
  [-8, -25, -86, -5, -44, 59, 81, 15],
  [62, -16, -37, 3, 27, 14, 34, -10],
  [1, 24, -25, 23, 31, 61, 67, 11],
  [-64, -65, -128, -25, -53, 59, 127, 20],
  [20, -29, -20, -15, -28, 0, 8, -27],
  [54, 61, -67, 38, 38, 64, 115, 0],
  [-44, -75, -128, -20, -19, 93, 101, 35],
  [-5, -56, 30, -18, -40, -9, -8, -31],
];

/** As TFLite's tests quantize: the range becomes all levels of a type, 0 one of them. */
function levels(reals: readonly number[], range: number, bits: number) {
  const { fround } = Math;
  const [low, high] = [fround(-(2 ** (bits - 1))), fround(2 ** (bits - 1) - 1)];
  const scale = fround(fround(2 * range) / fround(high - low));
  const away = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
  const zero = away(fround(high - fround(range / scale)));
  return {
    scale,
    zero,
    levels: reals.map((x) =>
      Math.min(Math.max(away(fround(zero + fround(fround(x) / scale))), low), high),
    ),
  };
}

recurrent('SVDF', () => {
  const w = { type: 'int8', dims: [4, 3], ...levels(feature, 0.5, 8) } as const;
  const t = { type: 'int16', dims: [4, 10], ...levels(time, 1, 16) } as const;
  const b = { type: 'int32', dims: [4], ...levels(bias, 512, 32) } as const;
  const stateScale = levels([], 16, 16);
  const state = { type: 'int16', dims: [2, 40], scale: stateScale.scale } as const;
  const y = levels([], 0.5, 8);
  let memory: number[] = new Array<number>(80).fill(0);
  expected.forEach((want, step) => {
    const x = levels(sequence[step % 3]!, 1, 8);
    const results = runKernel(
      svdfKernel,
      [
        { type: 'int8', dims: [2, 3], ...x },
        { ...w, constant: true },
        { ...t, constant: true },
        { ...b, constant: true },
        { ...state, levels: memory },
      ],
      [{ type: 'int8', dims: [2, 4], scale: y.scale, zero: y.zero }, state],
      { rank: int(1), activation: text('Relu') },
    );
    assert.equal(results?.[0], want, `step ${step}`);
    memory = results![1]!;
  });
});

recurrent.run();
