import type { DType } from '../core/dtype.ts';
import { dtypeOfNumber } from './data-types.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { axisOf, tensor } from './rules.ts';

/** One scale, one along `axis`, or one per block of it. */
function checkScales(c: InferContext): void {
  const x = c.shape(0);
  const scale = c.shape(1);
  if (x === null || scale === null || scale.length === 0) return;
  const isPerTensor = scale.length === 1 && scale[0] === 1;
  if (!isPerTensor && x.length > 0) axisOf(c, c.attributes.int('axis'), x.length);
}

function quantizeRule(c: InferContext): OutputInfo[] {
  checkScales(c);
  const named = namedType(c);
  const fallback: DType | null = c.node.inputs[2] == null ? 'uint8' : null;
  return [tensor(c.dtype(2) ?? named ?? fallback, c.shape(0))];
}

function dequantizeRule(c: InferContext): OutputInfo[] {
  checkScales(c);
  return [tensor(namedType(c) ?? c.dtype(1), c.shape(0))];
}

/** The element type in `output_dtype`; 0 is none. */
function namedType(c: InferContext): DType | null {
  const number = c.attributes.int('output_dtype');
  return number === 0 ? null : dtypeOfNumber(number);
}

const blocks = {
  axis: { kind: 'int', default: 1 },
  block_size: { kind: 'int', default: 0, min: 0 },
  output_dtype: { kind: 'int', default: 0 },
} as const;

export const quantizeOps: readonly Op[] = [
  {
    name: 'QuantizeLinear',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: {
      ...blocks,
      precision: { kind: 'int', default: 0 },
      saturate: { kind: 'int', default: 1 },
    },
    infer: quantizeRule,
    traits: { elementwise: true },
  },
  {
    name: 'DequantizeLinear',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: blocks,
    infer: dequantizeRule,
    traits: { elementwise: true },
  },
  {
    name: 'DynamicQuantizeLinear',
    inputs: [1, 1],
    outputs: [3, 3],
    attributes: {},
    infer: (c) => [tensor('uint8', c.shape(0)), tensor('float32', []), tensor('uint8', [])],
  },
];
