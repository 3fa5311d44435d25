import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { type ConvOptions, conv, convShape } from '../../src/kernels/index.ts';
import { noise } from './products.ts';

const test = suite('winograd');
const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Normal numbers: sums of twelve uniform ones. */
function normal(count: number, seed: number): Float32Array {
  const draw = random(seed);
  return Float32Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += draw.uniform();
    return sum;
  });
}

/** In float64, by definition: 3 × 3 without steps. */
function exact(x: Float32Array, w: Float32Array, options: ConvOptions): Float64Array {
  const [batch, height, width, channels] = options.shape as [number, number, number, number];
  const [, outHeight, outWidth, outputs] = convShape(options) as [number, number, number, number];
  const [top, left] = (options.pads ?? [0, 0]) as [number, number];
  const { bias, min = -Infinity, max = Infinity } = options;
  const y = new Float64Array(batch * outHeight * outWidth * outputs);
  for (let pixel = 0; pixel < batch * outHeight * outWidth; pixel++) {
    const image = Math.floor(pixel / outHeight / outWidth);
    const row = (Math.floor(pixel / outWidth) % outHeight) - top;
    const column = (pixel % outWidth) - left;
    for (let o = 0; o < outputs; o++) {
      let sum = bias?.[o] ?? 0;
      for (let tap = 0; tap < 9; tap++) {
        const [r, c] = [row + Math.floor(tap / 3), column + (tap % 3)];
        if (r < 0 || r >= height || c < 0 || c >= width) continue;
        const at = ((image * height + r) * width + c) * channels;
        const own = (o * 9 + tap) * channels;
        for (let i = 0; i < channels; i++) sum += x[at + i]! * w[own + i]!;
      }
      y[pixel * outputs + o] = Math.min(Math.max(sum, min), max);
    }
  }
  return y;
}

function errors(
  got: Float32Array,
  want: Float64Array,
): { most: number; mean: number; size: number } {
  let [most, squares, size] = [0, 0, 0];
  assert.is(got.length, want.length);
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    if (!(error <= most)) most = error;
    squares += error * error;
    size = Math.max(size, Math.abs(want[i]!));
  }
  return { most, mean: Math.sqrt(squares / want.length), size };
}

test('any size, padding, bias and limits', () => {
  for (let seed = 1; seed <= 120; seed++) {
    const draw = random(seed);
    const pads = Array.from({ length: 4 }, () => draw.below(3));
    const least = (axis: number): number => Math.max(1, 3 - pads[axis]! - pads[axis + 2]!);
    const channels = 4 + draw.below(14);
    const outputs = 4 + draw.below(14);
    const options: ConvOptions = {
      shape: [1 + draw.below(2), least(0) + draw.below(12), least(1) + draw.below(12), channels],
      weightShape: [outputs, 3, 3, channels],
      pads,
      bias: draw.below(2) === 0 ? noise(outputs, seed) : undefined,
      min: draw.below(3) === 0 ? -0.25 : undefined,
      max: draw.below(3) === 0 ? 0.5 : undefined,
      algorithm: 'winograd',
    };
    const x = noise(volume(options.shape), seed);
    const w = noise(volume(options.weightShape), seed + 1);
    const { most } = errors(conv(x, w, options), exact(x, w, options));
    const { bias: _, ...what } = options;
    assert.ok(most <= 2e-5, `${JSON.stringify(what)}: ${most}`);
  }
});

test('errors stay within a few times those of direct computation', () => {
  for (const [size, channels] of [
    [24, 8],
    [12, 16],
    [16, 64],
    [8, 256],
  ] as const) {
    const shape = [1, size, size, channels];
    const options = { shape, weightShape: [16, 3, 3, channels], pads: [1, 1, 1, 1] };
    const x = normal(volume(shape), channels);
    const w = normal(volume(options.weightShape), channels + 1);
    const want = exact(x, w, options);
    const direct = errors(conv(x, w, { ...options, algorithm: 'direct' }), want);
    const own = errors(conv(x, w, { ...options, algorithm: 'winograd' }), want);
    assert.ok(own.most <= 4 * direct.most, `${channels}: ${own.most} against ${direct.most}`);
    assert.ok(own.mean <= 3 * direct.mean, `${channels}: ${own.mean} against ${direct.mean}`);
    assert.ok(own.most <= 1e-5 * own.size, `${channels}: ${own.most} of ${own.size}`);
  }
});

test('images that are cut into strips, and blocks of tiles', () => {
  const options: ConvOptions = {
    shape: [2, 70, 90, 20],
    weightShape: [24, 3, 3, 20],
    pads: [1, 2, 0, 1],
    min: 0,
  };
  const x = noise(volume(options.shape), 1);
  const w = noise(volume(options.weightShape), 2);
  const got = conv(x, w, { ...options, algorithm: 'winograd' });
  const { most, size } = errors(got, exact(x, w, options));
  assert.ok(most <= 1e-5 * size, `${most} of ${size}`);
  assert.equal(got, conv(x, w, options), 'chosen by itself');
});

test('an image does not change with its batch, nor with what memory held', () => {
  const one = { shape: [1, 9, 10, 16], weightShape: [16, 3, 3, 16], pads: [1, 1, 1, 1] };
  const x = noise(3 * 1440, 1);
  const w = noise(volume(one.weightShape), 2);
  const all = conv(x, w, { ...one, shape: [3, 9, 10, 16], algorithm: 'winograd' });
  conv(new Float32Array(1440).fill(Number.NaN), w, { ...one, algorithm: 'winograd' });
  const last = conv(x.subarray(2880), w, { ...one, algorithm: 'winograd' });
  assert.equal(last, all.slice(2880));
});

test('what it is not for', () => {
  const fine: ConvOptions = {
    shape: [1, 6, 6, 4],
    weightShape: [4, 3, 3, 4],
    algorithm: 'winograd',
  };
  const x = noise(144, 1);
  const run = (options: ConvOptions): unknown =>
    conv(noise(volume(options.shape), 1), noise(volume(options.weightShape), 2), options);
  conv(x, noise(144, 2), fine);
  assert.throws(() => run({ ...fine, strides: [1, 2] }), RangeError);
  assert.throws(() => run({ ...fine, dilations: [2, 1] }), RangeError);
  assert.throws(() => run({ ...fine, weightShape: [4, 1, 3, 4] }), RangeError);
  assert.throws(() => run({ ...fine, weightShape: [4, 3, 3, 2], groups: 2 }), RangeError);
  assert.throws(() => run({ ...fine, shape: [1, 6, 6, 3], weightShape: [4, 3, 3, 3] }), RangeError);
  assert.throws(() => run({ ...fine, algorithm: 'fft' as 'direct' }), RangeError);
});

test.run();
