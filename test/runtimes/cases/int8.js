import * as kernels from 'modelpress/kernels';
import { gaussianLike } from './data.js';

/** Integers in 0..n−1, the same in every engine. */
function draws(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function levels(count, unsigned, below) {
  const extreme = below(4) === 0;
  const bytes = Uint8Array.from({ length: count }, () =>
    extreme ? [0, 127, 128, 255][below(4)] : below(256),
  );
  return unsigned ? bytes : new Int8Array(bytes.buffer);
}

function zeros(count, unsigned, below) {
  const one = () => below(256) - (unsigned ? 0 : 128);
  return [undefined, one(), Array.from({ length: count }, one)][below(3)];
}

const zeroAt = (zero, i) => (typeof zero === 'object' ? zero[i] : (zero ?? 0));

/** Products of random shapes, zero points and signs, each compared with plain loops: whatever dot product the probe
 *  chose must be exact. */
function products(count) {
  const below = draws(1);
  const sums = new Int32Array(count);
  for (let round = 0; round < count; round++) {
    const m = below(4) === 0 ? 1 : below(15);
    const k = below(8) === 0 ? below(150) : below(19);
    const n = below(6) === 0 ? below(70) : below(19);
    const [aUnsigned, bUnsigned] = [below(2) === 0, below(2) === 0];
    const a = levels(m * k, aUnsigned, below);
    const b = levels(k * n, bUnsigned, below);
    const aZeroPoint = zeros(m, aUnsigned, below);
    const bZeroPoint = zeros(n, bUnsigned, below);
    const c = kernels.matmulInteger(a, b, m, k, n, { aZeroPoint, bZeroPoint });
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const [za, zb] = [zeroAt(aZeroPoint, i), zeroAt(bZeroPoint, j)];
        let sum = 0;
        for (let p = 0; p < k; p++) sum += (a[i * k + p] - za) * (b[p * n + j] - zb);
        if (c[i * n + j] !== sum) throw new Error(`${m}×${k}×${n}: ${c[i * n + j]}, not ${sum}`);
        sums[round] = (Math.imul(sums[round], 31) + sum) | 0;
      }
    }
  }
  return sums;
}

const convolution = (signed, options) => {
  const below = draws(7);
  const channels = options.shape.at(-1);
  const x = levels(
    options.shape.reduce((a, b) => a * b, 1),
    !signed,
    below,
  );
  const w = levels(
    options.weightShape.reduce((a, b) => a * b, 1),
    false,
    below,
  );
  const scale = Array.from({ length: options.weightShape[0] }, (_, i) => 0.0003 + i * 0.00001);
  const common = { ...options, xZeroPoint: signed ? -11 : 131 };
  const requantized = ['single', 'double'].map((rounding) =>
    kernels.convRequantized(x, w, { ...common, scale, zeroPoint: 3, rounding }),
  );
  return [kernels.convInteger(x, w, common), ...requantized, channels];
};

function blockwise(bits, activations) {
  const below = draws(bits);
  const [m, k, n, blockSize] = [3, 150, 21, 32];
  const blocks = Math.ceil(k / blockSize);
  const b = levels((n * blocks * blockSize * bits) / 8, true, below);
  const scales = gaussianLike(n * blocks, 5);
  const zeroPoints = levels(n * Math.ceil((blocks * bits) / 8), true, below);
  const options = { bits, blockSize, scales, zeroPoints, activations };
  const packed = kernels.packBlockwise(b, k, n, options);
  const y = kernels.matmulBlockwise(gaussianLike(m * k, 6), packed, m, k, n);
  packed.dispose();
  return y;
}

const window = { strides: [1, 2], pads: [1, 1, 1, 0] };

/** Integer products, exact by whatever instruction: what a wrong choice of it would change. */
export const int8Cases = {
  'integer matrix products': () => products(2000),
  'a large integer matrix product': () => {
    const below = draws(3);
    const a = levels(130 * 300, true, below);
    return kernels.matmulInteger(a, levels(300 * 90, false, below), 130, 300, 90, {
      aZeroPoint: 3,
    });
  },
  ...Object.fromEntries(
    [true, false].flatMap((signed) => {
      const of = signed ? 'int8' : 'uint8';
      const shape = [2, 9, 8, 12];
      return [
        [
          `convolution of ${of}`,
          () => convolution(signed, { ...window, shape, weightShape: [19, 3, 3, 12] }),
        ],
        [
          `convolution of ${of} in groups`,
          () => convolution(signed, { ...window, shape, weightShape: [6, 3, 3, 4], groups: 3 }),
        ],
        [
          `depthwise convolution of ${of}`,
          () => convolution(signed, { ...window, shape, weightShape: [12, 3, 3, 1], groups: 12 }),
        ],
      ];
    }),
  ),
  ...Object.fromEntries(
    [4, 8].flatMap((bits) =>
      ['float32', 'int8'].map((activations) => [
        `${bits}-bit blocks, ${activations} activations`,
        () => blockwise(bits, activations),
      ]),
    ),
  ),
};
