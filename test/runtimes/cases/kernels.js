import * as kernels from 'modelpress/kernels';
import { gaussianLike, specials, ties } from './data.js';

const shape = [3, 7, 37];
const x = gaussianLike(3 * 7 * 37, 1);
const types = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4'];
const zeroPoints = { int8: -3, uint8: 131, int16: 17, uint16: 33000, int4: 1, uint4: 7 };

/** Results of the public kernels on seeded data, as bytes. */
export const kernelCases = {
  'min and max': () => Object.values(kernels.minMax(x)),
  'min and max per channel': () => Object.values(kernels.minMaxAxis(x, { shape, axis: 1 })),
  'min and max per block': () =>
    Object.values(kernels.minMaxAxis(x, { shape, axis: 2, blockSize: 16 })),
  'mean and variance': () => Object.values(kernels.meanVariance(x)),
  'histogram of magnitudes': () => kernels.absHistogram(x, { bins: 128, max: 4 }),
  'squared error': () => Object.values(kernels.squaredError(x, gaussianLike(x.length, 2))),
  'float16 of all kinds of values': () => kernels.float32ToFloat16(specials),
  'float32 of every float16': () => kernels.float16ToFloat32(every16()),
  'bfloat16 of all kinds of values': () => kernels.float32ToBfloat16(specials),
  'float32 of every bfloat16': () => kernels.bfloat16ToFloat32(every16()),
  ...Object.fromEntries(types.flatMap((type) => quantizeCases(type, zeroPoints[type]))),
};

function quantizeCases(type, zeroPoint) {
  const perTensor = { scale: 0.03, zeroPoint, type };
  const channels = gaussianLike(7, 3).map((value) => Math.abs(value) + 0.01);
  const perChannel = { shape, axis: 1, scale: channels, zeroPoint: 0, type };
  const scales = gaussianLike(3 * 7 * 3, 4).map((value) => Math.abs(value) + 0.01);
  const zeros = Array.from(scales, () => zeroPoint);
  const perBlock = { shape, axis: 2, blockSize: 16, scale: scales, zeroPoint: zeros, type };
  const there = (values, options) => kernels.quantize(values, options);
  const back = (values, options) =>
    kernels.dequantize(there(values, options), { ...options, length: values.length });
  return [
    [`${type} of ties`, () => there(ties, { scale: 1, zeroPoint, type })],
    [`${type} of all kinds of values`, () => there(specials, perTensor)],
    [`${type} of misaligned values`, () => there(x.subarray(1), perTensor)],
    [`${type} per channel`, () => there(x, perChannel)],
    [`${type} per block`, () => there(x, perBlock)],
    [`${type} and back`, () => back(x, perTensor)],
    [`${type} and back per channel`, () => back(x, perChannel)],
    [`${type} and back per block`, () => back(x, perBlock)],
  ];
}

function every16() {
  return Uint16Array.from({ length: 65536 }, (_, bits) => bits);
}
