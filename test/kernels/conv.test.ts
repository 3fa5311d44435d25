import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import {
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convShape,
  convTranspose,
  convTransposeShape,
  packConv,
} from '../../src/kernels/index.ts';
import { libraryBackend } from '../../src/wasm/library.ts';
import { type Expected, errorOf, noise } from './products.ts';

const test = suite('conv');
const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Coordinates of an element. */
function unravel(flat: number, sizes: readonly number[]): number[] {
  const at: number[] = [];
  let rest = flat;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    at.unshift(rest % sizes[axis]!);
    rest = Math.floor(rest / sizes[axis]!);
  }
  return at;
}

/** In float64, by definition; a transposed convolution spreads each input over the outputs it reaches. */
function naive(
  x: Float32Array,
  w: Float32Array,
  options: ConvTransposeOptions,
  outShape: readonly number[],
  transposed: boolean,
): Expected {
  const { shape, weightShape, groups = 1, bias, min = -Infinity, max = Infinity } = options;
  const rank = shape.length - 2;
  const { strides = [], dilations = [], pads = [] } = options;
  const [outSpace, inSpace] = [outShape.slice(1, -1), shape.slice(1, -1)];
  const kernel = weightShape.slice(1, -1);
  const [outputs, channels, inner] = [outShape.at(-1)!, shape.at(-1)!, weightShape.at(-1)!];
  const value = new Float64Array(volume(outShape));
  const scale = new Float64Array(value.length);
  // The side that steps: outputs of a convolution, inputs of a transposed one.
  const [near, far] = transposed ? [inSpace, outSpace] : [outSpace, inSpace];
  for (let image = 0; image < shape[0]!; image++) {
    for (let pixel = 0; pixel < volume(near); pixel++) {
      const place = unravel(pixel, near);
      for (let tap = 0; tap < volume(kernel); tap++) {
        const own = unravel(tap, kernel);
        const other = place.map(
          (at, axis) =>
            at * (strides[axis] ?? 1) + own[axis]! * (dilations[axis] ?? 1) - (pads[axis] ?? 0),
        );
        if (other.some((at, axis) => at < 0 || at >= far[axis]!)) continue;
        const there = other.reduce((flat, at, axis) => flat * far[axis]! + at, 0);
        const inPixel = image * volume(inSpace) + (transposed ? pixel : there);
        const outPixel = image * volume(outSpace) + (transposed ? there : pixel);
        for (let o = 0; o < outputs; o++) {
          const group = Math.floor(o / (outputs / groups));
          for (let c = 0; c < inner; c++) {
            const weight = w[(o * volume(kernel) + tap) * inner + c]!;
            const term = x[inPixel * channels + group * inner + c]! * weight;
            value[outPixel * outputs + o]! += term;
            scale[outPixel * outputs + o]! += Math.abs(term);
          }
        }
      }
    }
  }
  assert.is(kernel.length, rank);
  for (let i = 0; i < value.length; i++) {
    const offset = bias?.[i % outputs] ?? 0;
    scale[i]! += Math.abs(offset);
    value[i] = Math.min(Math.max(value[i]! + offset, min), max);
  }
  return { value, scale };
}

function check(options: ConvTransposeOptions, transposed: boolean, seed: number): void {
  const x = noise(volume(options.shape), seed);
  const w = noise(volume(options.weightShape), seed + 1);
  const shape = transposed ? convTransposeShape(options) : convShape(options);
  const got = transposed ? convTranspose(x, w, options) : conv(x, w, options);
  const terms = volume(options.weightShape.slice(1));
  const error = errorOf(got, naive(x, w, options, shape, transposed), terms);
  const { bias: _, ...what } = options;
  assert.ok(error <= 1, `${transposed} ${JSON.stringify(what)}: ${error} of what is allowed`);
}

/** Random sizes of any kind, the kernel within the padded input. */
function draw(seed: number): ConvOptions {
  const next = random(seed);
  const rank = 1 + next.below(3);
  const each = (value: (axis: number) => number): number[] =>
    Array.from({ length: rank }, (_, axis) => value(axis));
  const groups = [1, 1, 1, 2, 3][next.below(5)]!;
  const depthwise = next.below(4) === 0;
  const inner = depthwise ? 1 : [1, 2, 3, 4, 5, 8][next.below(6)]!;
  const channels = depthwise ? [2, 3, 4, 7, 8, 13][next.below(6)]! : groups * inner;
  const outputs = depthwise
    ? channels * (1 + next.below(2))
    : groups * [1, 3, 8, 11][next.below(4)]!;
  const kernel = each(() => [1, 2, 3, 3, 5][next.below(rank === 3 ? 3 : 5)]!);
  const dilations = each(() => 1 + (next.below(3) === 0 ? next.below(3) : 0));
  const pads = Array.from({ length: 2 * rank }, () => next.below(3));
  const input = each((axis) => {
    const span = dilations[axis]! * (kernel[axis]! - 1) + 1;
    return Math.max(1, span - pads[axis]! - pads[axis + rank]!) + next.below(rank === 3 ? 4 : 9);
  });
  return {
    shape: [1 + next.below(2), ...input, channels],
    weightShape: [outputs, ...kernel, inner],
    strides: each(() => 1 + (next.below(2) === 0 ? next.below(3) : 0)),
    pads,
    dilations,
    groups: depthwise ? channels : groups,
    bias: next.below(2) === 0 ? noise(outputs, seed) : undefined,
    min: next.below(3) === 0 ? -0.25 : undefined,
    max: next.below(3) === 0 ? 0.5 : undefined,
  };
}

test('random convolutions in one to three axes', () => {
  for (let seed = 1; seed <= 300; seed++) check(draw(seed), false, seed);
});

test('random transposed convolutions in one to three axes', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const options = draw(seed);
    const span = (axis: number): number =>
      options.dilations![axis]! * (options.weightShape[axis + 1]! - 1) + 1;
    const rank = options.shape.length - 2;
    const outputPadding = options.strides!.map((stride) => seed % stride);
    // Padding that leaves something.
    const pads = options.pads!.map((pad, i) => Math.min(pad, (span(i % rank) - 1) >> 1));
    check({ ...options, pads, outputPadding }, true, seed);
  }
});

test('packed weights', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { shape, pads, bias, min, max, ...kept } = draw(seed);
    const addend = { bias, min, max };
    const x = noise(volume(shape), seed);
    const w = noise(volume(kept.weightShape), seed + 1);
    const packed = packConv(w, kept);
    const got = conv(x, packed, { shape, pads, ...addend });
    const options = { ...kept, shape, pads, ...addend };
    const want = naive(x, w, options, convShape(options), false);
    const error = errorOf(got, want, volume(kept.weightShape.slice(1)));
    assert.ok(error <= 1, `${JSON.stringify(kept)}: ${error} of what is allowed`);
    packed.dispose();
  }
});

test('packed weights know their algorithm, and end', () => {
  const before = libraryBackend().arena.usage().weights;
  const weightShape = [8, 3, 3, 8];
  const x = noise(288, 1);
  const w = noise(576, 2);
  const packed = packConv(w, { weightShape });
  assert.is(packed.algorithm, 'winograd');
  assert.equal(packed.weightShape, weightShape);
  const shape = [1, 6, 6, 8];
  const got = conv(x, packed, { shape });
  assert.equal(got, conv(x, w, { shape, weightShape, algorithm: 'winograd' }));
  const direct = packConv(w, { weightShape, algorithm: 'direct' });
  assert.is(direct.algorithm, 'direct');
  assert.equal(conv(x, direct, { shape }), conv(x, w, { shape, weightShape, algorithm: 'direct' }));
  const stepped = packConv(w, { weightShape, strides: [2, 1] });
  assert.is(stepped.algorithm, 'direct');
  stepped.dispose();
  const known = { shape, weightShape };
  assert.throws(() => conv(x, packed, known), TypeError);
  assert.throws(() => conv(x, packed, { shape: [1, 6, 6, 7] }), RangeError);
  assert.throws(() => packConv(w, { weightShape: [8, 3, 3, 7] }), RangeError);
  assert.throws(() => packConv(w, { weightShape, strides: [0, 1] }), RangeError);
  assert.throws(
    () => packConv(w, { weightShape, strides: [2, 1], algorithm: 'winograd' }),
    RangeError,
  );
  assert.throws(() => packConv(new Float64Array(576) as unknown as Float32Array, { weightShape }));
  packed.dispose();
  packed.dispose();
  direct.dispose();
  assert.throws(() => conv(x, packed, { shape }), TypeError);
  assert.is(libraryBackend().arena.usage().weights, before);
});

test('sizes that are cut into chunks', () => {
  const pads = [1, 1, 1, 1];
  check({ shape: [2, 90, 120, 6], weightShape: [100, 3, 3, 6], pads, max: 1 }, false, 1);
  check({ shape: [1, 110, 110, 3], weightShape: [90, 3, 3, 3], strides: [2, 1], pads }, false, 2);
  check({ shape: [1, 130, 110, 5], weightShape: [90, 1, 1, 5], min: 0 }, false, 3);
});

test('padding is zero, even where weights are not finite numbers of any use', () => {
  const x = Float32Array.of(1, 2, 3);
  const options = { shape: [1, 3, 1], weightShape: [1, 3, 1], pads: [1, 1] };
  assert.equal([...conv(x, Float32Array.of(10, 1, 100), options)], [201, 312, 23]);
  const w = Float32Array.of(1, 10, 100);
  const spread = { shape: [1, 3, 1], weightShape: [1, 3, 1], strides: [2] };
  assert.equal([...convTranspose(x, w, spread)], [1, 10, 102, 20, 203, 30, 300]);
  assert.equal(convTransposeShape(spread), [1, 7, 1]);
});

test('NaN stays under limits, an empty batch is empty', () => {
  const options = { shape: [1, 2, 8], weightShape: [3, 1, 8], min: 0, max: 6 };
  const x = new Float32Array(16).fill(1);
  x[3] = Number.NaN;
  const got = conv(x, new Float32Array(24).fill(1), options);
  assert.equal([...got], [Number.NaN, Number.NaN, Number.NaN, 6, 6, 6]);
  const none = { shape: [0, 5, 8], weightShape: [3, 2, 8] };
  assert.is(conv(new Float32Array(0), new Float32Array(48), none).length, 0);
});

test('depthwise in groups of lines, and a result in an array that is given', () => {
  const pads = [5, 1, 4, 2];
  const shape = [2, 75, 60, 40];
  check({ shape, weightShape: [40, 3, 3, 1], strides: [2, 1], pads, groups: 40 }, false, 1);
  check({ shape: [2, 40, 50, 20], weightShape: [40, 3, 3, 1], pads, groups: 20, min: 0 }, false, 2);
  const options = { shape: [1, 4, 2], weightShape: [3, 1, 2] };
  const output = new Float32Array(12);
  const got = conv(noise(8, 1), noise(6, 2), { ...options, output });
  assert.is(got, output);
  assert.equal(got, conv(noise(8, 1), noise(6, 2), options));
  const short = new Float32Array(11);
  assert.throws(() => conv(noise(8, 1), noise(6, 2), { ...options, output: short }), RangeError);
});

test('misuse', () => {
  const x = noise(36, 1);
  const w = noise(9, 2);
  const fine: ConvOptions = { shape: [1, 6, 6, 1], weightShape: [1, 3, 3, 1] };
  const doubles = new Float64Array(36) as unknown as Float32Array;
  assert.throws(() => conv(doubles, w, fine), TypeError);
  assert.throws(() => conv(x, doubles, fine), TypeError);
  assert.throws(() => conv(x, w, { ...fine, shape: [1, 6, 5, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, shape: [36, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, weightShape: [1, 9, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, weightShape: [1, 9, 1, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, groups: 2 }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, groups: 0 }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, strides: [0, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, strides: [1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, dilations: [3, 1] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, pads: [-1, 0, 0, 0] }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, bias: w }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, min: 2, max: 1 }), RangeError);
  assert.throws(() => conv(x, w, { ...fine, pads: [0, 0, 2 ** 30, 2 ** 30] }), RangeError);
  assert.throws(() => convTranspose(x, w, { ...fine, pads: [9, 0, 9, 0] }), RangeError);
  assert.throws(() => convTranspose(x, w, { ...fine, outputPadding: [-1, 0] }), RangeError);
});

test.run();
