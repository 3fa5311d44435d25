import * as kernels from 'modelpress/kernels';
import { gaussianLike } from './data.js';

const conv = (shape, weightShape, more) => () => {
  const size = (sizes) => sizes.reduce((a, b) => a * b, 1);
  const x = gaussianLike(size(shape), 1);
  const w = gaussianLike(size(weightShape), 2);
  const bias = gaussianLike(weightShape[0], 3);
  const { transposed, ...options } = { shape, weightShape, bias, ...more };
  return transposed ? kernels.convTranspose(x, w, options) : kernels.conv(x, w, options);
};
const a = gaussianLike(37 * 600, 4);
const b = gaussianLike(600 * 53, 5);

/** float32 products and convolutions: sums of rounded products, whose order must be the same everywhere. */
export const productCases = {
  product: () => kernels.matmul(a, b, 37, 600, 53),
  'product of transposes with all that is added': () =>
    kernels.matmul(a, b, 37, 600, 53, {
      transposeA: true,
      transposeB: true,
      alpha: 0.3,
      beta: 1.7,
      c: gaussianLike(37 * 53, 6),
      bias: gaussianLike(53, 7),
      min: -1,
      max: 20,
    }),
  'one row': () => kernels.matmul(a.subarray(0, 600), b, 1, 600, 53),
  'convolution 3 × 3': conv([1, 13, 11, 20], [19, 3, 3, 20], { pads: [1, 1, 1, 1] }),
  'convolution 1 × 1': conv([2, 9, 9, 20], [19, 1, 1, 20], { min: 0 }),
  'convolution of three channels': conv([1, 23, 21, 3], [8, 3, 3, 3], { strides: [2, 2] }),
  'convolution in groups': conv([1, 50, 12], [8, 5, 6], { groups: 2, dilations: [3] }),
  'depthwise convolution 3 × 3': conv([1, 14, 15, 21], [21, 3, 3, 1], {
    groups: 21,
    pads: [1, 1, 1, 1],
  }),
  'depthwise convolution 5 × 5': conv([1, 14, 15, 21], [21, 5, 5, 1], { groups: 21 }),
  'transposed convolution': conv([1, 7, 9, 10], [12, 3, 3, 10], {
    strides: [2, 2],
    transposed: true,
  }),
};
