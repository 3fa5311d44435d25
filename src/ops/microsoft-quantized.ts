import type { DType } from '../core/dtype.ts';
import { matmulShape } from './matmul.ts';
import { channelsLast, turned } from './mp.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { poolOps } from './pool.ts';
import { quantizeOps } from './quantize.ts';
import { joinedShape } from './reshape.ts';
import { broadcast, has, numberAt, outputCount, tensor, times, withRank } from './rules.ts';

/** Operators of onnxruntime's domain on integers. Operands come as tensor, scale and zero point (which may be absent),
 *  then scale and zero point of the result. */
const domain = 'com.microsoft';

type Attributes = Readonly<Record<string, AttributeSchema>>;

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;

function qLinearBinary(name: string): Op {
  return {
    name,
    domain,
    inputs: [7, 8],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor(c.dtype(0), broadcast(c, [c.shape(0), c.shape(3)]))],
  };
}

function qLinearUnary(name: string, attributes: Attributes = {}, infer?: Op['infer']): Op {
  return {
    name,
    domain,
    inputs: [4, 5],
    outputs: [1, 1],
    attributes,
    infer: infer ?? ((c) => [tensor(c.dtype(0), c.shape(0))]),
  };
}

/** A pool as ONNX has it, maybe with channels last. */
function qLinearPool(base: string): Op {
  const pool = poolOps.find(({ name }) => name === base)!;
  return qLinearUnary(
    `QLinear${base}`,
    { ...pool.attributes, channels_last: flag },
    (c): readonly OutputInfo[] => {
      if (c.attributes.int('channels_last') === 0) return pool.infer(c);
      const [info] = pool.infer(turned(c));
      const shape = info?.type?.kind === 'tensor' ? info.type.shape : null;
      return [tensor(c.dtype(0), channelsLast(shape))];
    },
  );
}

/** Scale and zero point of the result first, then the inputs in threes. */
function qLinearConcatRule(c: InferContext): OutputInfo[] {
  const shapes = c.node.inputs.flatMap((_, index) =>
    index >= 2 && (index - 2) % 3 === 0 ? [c.shape(index)] : [],
  );
  return [tensor(c.dtype(1) ?? c.dtype(2), joinedShape(c, shapes, c.attributes.int('axis')))];
}

/** Float where there is no scale for the result. */
function qGemmRule(c: InferContext): OutputInfo[] {
  const a = withRank(c, 0, 2);
  const b = withRank(c, 3, 2);
  const dims = [
    a?.[c.attributes.int('transA') !== 0 ? 1 : 0] ?? null,
    b?.[c.attributes.int('transB') !== 0 ? 0 : 1] ?? null,
  ];
  return [tensor(has(c, 7) ? (c.dtype(8) ?? c.dtype(0)) : 'float32', dims)];
}

function product(
  name: string,
  inputs: readonly [number, number],
  dtype: (c: InferContext) => DType | null,
): Op {
  return {
    name,
    domain,
    inputs,
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor(dtype(c), matmulShape(c, c.shape(0), c.shape(1)))],
    cost: (c) => ({ macs: times(outputCount(c), numberAt(c.shape(0), -1)) }),
  };
}

/** Quantizers write these two for types that ONNX's own didn't have yet. */
const quantizers: readonly Op[] = quantizeOps
  .filter(({ name }) => name !== 'DynamicQuantizeLinear')
  .map((op) => ({ ...op, domain }));

export const microsoftQuantizedOps: readonly Op[] = [
  qLinearBinary('QLinearAdd'),
  qLinearBinary('QLinearMul'),
  qLinearUnary('QLinearSigmoid'),
  qLinearUnary('QLinearLeakyRelu', { alpha: { kind: 'float', default: 0.01 } }),
  qLinearUnary('QLinearSoftmax', {
    axis: { kind: 'int', default: -1 },
    opset: { kind: 'int', required: true },
  }),
  qLinearPool('AveragePool'),
  qLinearPool('GlobalAveragePool'),
  {
    name: 'QLinearConcat',
    domain,
    inputs: [5, Infinity],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int', required: true } },
    infer: qLinearConcatRule,
  },
  {
    name: 'QGemm',
    domain,
    inputs: [6, 9],
    outputs: [1, 1],
    attributes: { alpha: { kind: 'float', default: 1 }, transA: flag, transB: flag },
    infer: qGemmRule,
    cost: (c) => ({
      macs: times(outputCount(c), numberAt(c.shape(0), c.attributes.int('transA') !== 0 ? 0 : 1)),
    }),
  },
  product('DynamicQuantizeMatMul', [3, 5], (c) => c.dtype(0)),
  product('MatMulIntegerToFloat', [4, 7], (c) => c.dtype(2)),
  ...quantizers,
];
