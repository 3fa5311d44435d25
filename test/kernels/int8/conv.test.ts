import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Random } from '../../../src/core/random.ts';
import { convInteger, convRequantized, packIntegerConv } from '../../../src/kernels/index.ts';
import { backend } from '../../../src/wasm/load.ts';
import { inMode, modes } from './modes.ts';
import {
  type Levels,
  levels,
  plainRequantize,
  random,
  randomRule,
  zeroAt,
  zeros,
} from './plain.ts';

const test = suite('integer convolutions');

interface Case {
  shape: number[];
  weightShape: number[];
  groups: number;
  strides: number[];
  pads: number[];
  dilations: number[];
}

const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

function randomCase(draw: Random): Case {
  const rank = 1 + draw.below(3);
  const each = (make: () => number, count = rank): number[] => Array.from({ length: count }, make);
  const depthwise = draw.below(3) === 0;
  const groups = depthwise ? 1 + draw.below(20) : [1, 1, 2, 3][draw.below(4)]!;
  const inputs = depthwise ? 1 : 1 + draw.below(9);
  const outputs = groups * (depthwise && draw.below(4) > 0 ? 1 : 1 + draw.below(11));
  const window = each(() => 1 + draw.below(3));
  const dilations = each(() => 1 + draw.below(2));
  const pads = each(() => draw.below(3), 2 * rank);
  const spatial = window.map((size, i) => {
    const least = (size - 1) * dilations[i]! + 1 - pads[i]! - pads[rank + i]!;
    return Math.max(1, least) + draw.below(rank === 3 ? 3 : 6);
  });
  return {
    shape: [1 + draw.below(2), ...spatial, inputs * groups],
    weightShape: [outputs, ...window, inputs],
    groups,
    strides: each(() => 1 + draw.below(2)),
    pads,
    dilations,
  };
}

/** The definition, with padding that adds nothing as it is the zero point. */
function plainConv(
  x: Levels,
  w: Levels,
  { shape, weightShape, groups, strides, pads, dilations }: Case,
  xZero: number,
  wZero: number | Int32Array | undefined,
): Int32Array {
  const rank = strides.length;
  const three = (values: readonly number[], other: number): number[] => [
    ...Array.from({ length: 3 - rank }, () => other),
    ...values,
  ];
  const input = three(shape.slice(1, -1), 1);
  const window = three(weightShape.slice(1, -1), 1);
  const [step, spread, begin, end] = [
    three(strides, 1),
    three(dilations, 1),
    three(pads.slice(0, rank), 0),
    three(pads.slice(rank), 0),
  ];
  const output = input.map(
    (size, i) =>
      Math.floor((size + begin[i]! + end[i]! - (window[i]! - 1) * spread[i]! - 1) / step[i]!) + 1,
  );
  const [channels, inputs, outputs] = [shape.at(-1)!, weightShape.at(-1)!, weightShape[0]!];
  const y = new Int32Array(shape[0]! * volume(output) * outputs);
  const coordinates = (index: number, [, b, c]: number[]): number[] => [
    Math.floor(index / (b! * c!)),
    Math.floor(index / c!) % b!,
    index % c!,
  ];
  for (let i = 0; i < y.length; i++) {
    const channel = i % outputs;
    const pixel = Math.floor(i / outputs) % volume(output);
    const sample = Math.floor(i / outputs / volume(output));
    const first = Math.floor(channel / (outputs / groups)) * inputs;
    const at = coordinates(pixel, output);
    for (let tap = 0; tap < volume(window); tap++) {
      const from = coordinates(tap, window).map(
        (t, d) => at[d]! * step[d]! + t * spread[d]! - begin[d]!,
      );
      if (from.some((value, d) => value < 0 || value >= input[d]!)) continue;
      const position =
        ((sample * input[0]! + from[0]!) * input[1]! + from[1]!) * input[2]! + from[2]!;
      for (let k = 0; k < inputs; k++) {
        const weight = w[(channel * volume(window) + tap) * inputs + k]! - zeroAt(wZero, channel);
        y[i]! += (x[position * channels + first + k]! - xZero) * weight;
      }
    }
  }
  return y;
}

for (const mode of modes) {
  test(`${mode}: the bits of the definition, on 250 convolutions`, () => {
    const draw = random(100 + modes.indexOf(mode));
    for (let round = 0; round < 250; round++) {
      const each = randomCase(draw);
      const [xUnsigned, wUnsigned] = [draw.below(2) === 0, draw.below(2) === 0];
      const x = levels(volume(each.shape), xUnsigned, draw);
      const w = levels(volume(each.weightShape), wUnsigned, draw);
      const xZeroPoint = draw.below(256) - (xUnsigned ? 0 : 128);
      const outputs = each.weightShape[0]!;
      const wZeroPoint = zeros(outputs, wUnsigned, draw);
      const where = `${mode} ${round}: ${JSON.stringify(each)}`;
      const expected = plainConv(x, w, each, xZeroPoint, wZeroPoint);
      inMode(mode, () => {
        const options = { ...each, xZeroPoint, wZeroPoint };
        assert.equal(convInteger(x, w, options), expected, where);
        const { weightShape, groups, ...geometry } = each;
        const packed = packIntegerConv(w, { weightShape, groups, wZeroPoint });
        assert.equal(convInteger(x, packed, { ...geometry, xZeroPoint }), expected, where);
        const rule = randomRule(outputs, volume(weightShape) / outputs, draw);
        const bias = Int32Array.from({ length: outputs }, () => draw.below(2001) - 1000);
        const biased = expected.map((sum, i) => sum + bias[i % outputs]!);
        const got = convRequantized(x, packed, { ...geometry, xZeroPoint, ...rule, bias });
        assert.equal([...got], plainRequantize(biased, outputs, rule), where);
        packed.dispose();
      });
    }
  });
}

test('blocks of pixels come together', () => {
  const draw = random(5);
  for (const weightShape of [
    [70, 3, 3, 5],
    [600, 1, 1, 5],
  ]) {
    const each: Case = {
      shape: [2, 40, 31, 5],
      weightShape,
      groups: 1,
      strides: [1, 1],
      pads: [1, 0, 1, 2],
      dilations: [1, 1],
    };
    const x = levels(volume(each.shape), true, draw);
    const w = levels(volume(weightShape), false, draw);
    const expected = plainConv(x, w, each, 77, undefined);
    assert.equal(convInteger(x, w, { ...each, xZeroPoint: 77 }), expected);
  }
});

test('wrong operands are named', () => {
  const x = new Uint8Array(2 * 3 * 3 * 4);
  const w = new Int8Array(6 * 2 * 2 * 4);
  const shape = [2, 3, 3, 4];
  const weightShape = [6, 2, 2, 4];
  const refuse = (run: () => unknown, type: typeof TypeError | typeof RangeError, text: RegExp) =>
    assert.throws(run, (error: Error) => error instanceof type && text.test(error.message));
  assert.is(convInteger(x, w, { shape, weightShape }).length, 2 * 2 * 2 * 6);
  refuse(() => convInteger([] as never, w, { shape, weightShape }), TypeError, /"x"/);
  refuse(() => convInteger(x, [] as never, { shape, weightShape }), TypeError, /"w"/);
  refuse(() => convInteger(x, w, { shape }), TypeError, /"weightShape"/);
  refuse(() => convInteger(x, w, { shape, weightShape: [6, 2, 2, 3] }), RangeError, /"w"/);
  refuse(() => convInteger(x, w, { shape: [2, 3, 3], weightShape }), RangeError, /"weightShape"/);
  refuse(
    () => convInteger(x, w, { shape: [2, 3, 2, 6], weightShape }),
    RangeError,
    /"weightShape"/,
  );
  refuse(
    () => convInteger(x, w, { shape: [2, 9, 1, 4], weightShape }),
    RangeError,
    /"weightShape"/,
  );
  refuse(() => convInteger(x, w, { shape, weightShape, groups: 4 }), RangeError, /"groups"/);
  refuse(() => convInteger(x, w, { shape, weightShape, strides: [0, 1] }), RangeError, /"strides"/);
  refuse(() => convInteger(x, w, { shape, weightShape, pads: [1, 1] }), RangeError, /"pads"/);
  refuse(() => convInteger(x, w, { shape, weightShape, xZeroPoint: -1 }), RangeError, /xZeroPoint/);
  refuse(
    () => convInteger(x, w, { shape, weightShape, wZeroPoint: 200 }),
    RangeError,
    /wZeroPoint/,
  );
  const packed = packIntegerConv(w, { weightShape });
  assert.equal(packed.weightShape, weightShape);
  refuse(() => convInteger(x, packed, { shape, weightShape }), TypeError, /"weightShape"/);
  const before = backend().arena.usage().weights;
  packed.dispose();
  assert.ok(backend().arena.usage().weights < before);
  refuse(() => convInteger(x, packed, { shape }), TypeError, /disposed/);
});

test.run();
