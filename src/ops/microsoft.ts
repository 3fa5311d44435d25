import type { Dim } from '../core/shape.ts';
import { convOps } from './conv.ts';
import { matmulShape } from './matmul.ts';
import type { CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { poolOps } from './pool.ts';
import { joinedShape } from './reshape.ts';
import {
  broadcast,
  numberAt,
  outputCount,
  sameAsFirst,
  sharedDim,
  tensor,
  times,
  withRank,
} from './rules.ts';

/** Operators of onnxruntime's domain that quantizers and optimizers write. */
const domain = 'com.microsoft';

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;

/** A [..., K] times packed weights of [N, K] → [..., N]. */
function matMulNBitsRule(c: InferContext): OutputInfo[] {
  const a = withRank(c, 0, 1, Infinity);
  const columns = c.attributes.int('N');
  if (a === null) return [tensor(c.dtype(0), null)];
  sharedDim(c, a.at(-1)!, c.attributes.int('K'), 'inner dimensions');
  return [tensor(c.dtype(0), [...a.slice(0, -1), columns])];
}

/** MatMul whose operands may be transposed in their last two axes. */
function fusedMatMulRule(c: InferContext): OutputInfo[] {
  const turned = (input: number, name: string): readonly (string | number | null)[] | null => {
    const shape = c.shape(input);
    if (shape === null || shape.length < 2 || c.attributes.int(name) === 0) return shape;
    return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  };
  if (c.attributes.int('transBatchA') !== 0 || c.attributes.int('transBatchB') !== 0)
    return [tensor(c.dtype(0), null)];
  return [tensor(c.dtype(0), matmulShape(c, turned(0, 'transA'), turned(1, 'transB')))];
}

function fusedMatMulMacs(c: CostContext): number | null {
  return times(outputCount(c), numberAt(c.shape(0), c.attributes.int('transA') === 0 ? -1 : -2));
}

function fusedConv(): Op {
  const conv = convOps.find(({ name }) => name === 'Conv')!;
  return {
    ...conv,
    name: 'FusedConv',
    domain,
    inputs: [2, 4],
    attributes: {
      ...conv.attributes,
      activation: { kind: 'string' },
      activation_params: { kind: 'floats' },
    },
  };
}

/** The sum of both inputs, normalized; the sum itself is the last output. */
function skipRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const stash = tensor('float32', shape === null ? null : [...shape.slice(0, -1), 1]);
  return [tensor(c.dtype(0), shape), stash, stash, tensor(c.dtype(0), shape)];
}

/** Elementwise on integers: A, its scale and zero point, B and its own, then those of the output. */
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

function qLinearUnary(name: string, attributes: Op['attributes'] = {}): Op {
  return {
    name,
    domain,
    inputs: [4, 5],
    outputs: [1, 1],
    attributes,
    infer: (c) => [tensor(c.dtype(0), c.shape(0))],
  };
}

/** A pool of ONNX on integers; `channels_last` says where its channels are. */
function qLinearPool(name: string): Op {
  const pool = poolOps.find((op) => op.name === name)!;
  return {
    ...pool,
    name: `QLinear${name}`,
    domain,
    inputs: [4, 5],
    attributes: { ...pool.attributes, channels_last: flag },
    infer: (c) => {
      const isLast = c.attributes.int('channels_last', 0) !== 0;
      return isLast ? [tensor(c.dtype(0), null)] : pool.infer(c);
    },
  };
}

/** A, its scale and zero point, B and its own, C, then those of the output: without them it is float32. */
function qGemmRule(c: InferContext): OutputInfo[] {
  const size = (input: number, name: string, axis: 0 | 1): Dim => {
    const shape = withRank(c, input, 2);
    return shape?.[c.attributes.int(name) === 0 ? axis : 1 - axis] ?? null;
  };
  const dtype = c.node.inputs[7] == null ? 'float32' : (c.dtype(8) ?? c.dtype(0));
  return [tensor(dtype, [size(0, 'transA', 0), size(3, 'transB', 1)])];
}

/** Y scale and zero point first, then the inputs in threes. */
function qLinearConcatRule(c: InferContext): OutputInfo[] {
  const shapes = c.node.inputs.flatMap((_, index) =>
    index >= 2 && (index - 2) % 3 === 0 ? [c.shape(index)] : [],
  );
  return [tensor(c.dtype(1) ?? c.dtype(2), joinedShape(c, shapes, c.attributes.int('axis')))];
}

function activation(name: string, attributes: Op['attributes'] = {}): Op {
  return {
    name,
    domain,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes,
    infer: sameAsFirst,
    traits: { elementwise: true },
  };
}

export const microsoftOps: readonly Op[] = [
  {
    name: 'MatMulNBits',
    domain,
    inputs: [3, 6],
    outputs: [1, 1],
    attributes: {
      K: { kind: 'int', required: true, min: 1 },
      N: { kind: 'int', required: true, min: 1 },
      accuracy_level: { kind: 'int', default: 0 },
      bits: { kind: 'int', default: 4, min: 1, max: 8 },
      block_size: { kind: 'int', required: true, min: 1 },
    },
    infer: matMulNBitsRule,
    cost: (c) => ({ macs: times(outputCount(c), c.attributes.int('K')) }),
  },
  {
    name: 'FusedMatMul',
    domain,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {
      alpha: { kind: 'float', default: 1 },
      transA: flag,
      transB: flag,
      transBatchA: flag,
      transBatchB: flag,
    },
    infer: fusedMatMulRule,
    cost: (c) => ({ macs: fusedMatMulMacs(c) }),
  },
  fusedConv(),
  activation('Gelu'),
  activation('QuickGelu', { alpha: { kind: 'float', default: 1.702 } }),
  {
    name: 'BiasGelu',
    domain,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor(c.dtype(0), c.shape(0))],
  },
  {
    name: 'SkipLayerNormalization',
    domain,
    inputs: [3, 5],
    outputs: [1, 4],
    attributes: { epsilon: { kind: 'float', default: 1e-5 } },
    infer: skipRule,
  },
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
    name: 'QGemm',
    domain,
    inputs: [6, 9],
    outputs: [1, 1],
    attributes: { alpha: { kind: 'float', default: 1 }, transA: flag, transB: flag },
    infer: qGemmRule,
    cost: (c) => ({ macs: fusedMatMulMacs(c) }),
  },
  {
    name: 'QLinearConcat',
    domain,
    inputs: [5, Infinity],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int', required: true } },
    infer: qLinearConcatRule,
  },
];
