import { matmulShape } from './matmul.ts';
import type { Op } from './op.ts';
import { numberAt, outputCount, tensor, times } from './rules.ts';

/** Operators of modelpress that files have. An ONNX file brings them as functions, so that other runtimes run them too. */
export const ownDomain = 'modelpress';

/** A product whose left operand is quantized as it comes: activation levels times weight levels, exact integer sums.
 *  Inputs: a [… , K], float32; b [K, N], int8 or uint8; scale of b, one or [N]; then, in sessions only, the zero point of
 *  b, one or [N], and a bias [N].
 *  `rows` 1 (files have no other): each row of a has a scale of its own, max|row| / 127, and levels around zero, so that
 *  no row changes the result of another. 0: all of a as DynamicQuantizeLinear has it. */
const dynamicMatMul: Op = {
  name: 'DynamicMatMul',
  domain: ownDomain,
  inputs: [3, 5],
  outputs: [1, 1],
  attributes: { rows: { kind: 'int', default: 1, min: 0, max: 1 } },
  infer: (c) => [tensor('float32', matmulShape(c, c.shape(0), c.shape(1)))],
  cost: (c) => ({ macs: times(outputCount(c), numberAt(c.shape(0), -1)) }),
};

export const modelpressOps: readonly Op[] = [dynamicMatMul];
