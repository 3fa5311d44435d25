import type { Shape } from '../core/shape.ts';
import { activationAttributes } from './activation.ts';
import { binaryOps } from './binary.ts';
import { convOps } from './conv.ts';
import { imageOps } from './image.ts';
import { matmulShape } from './matmul.ts';
import { normalizationOps } from './normalization.ts';
import type { AttributeSchema, CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { poolOps } from './pool.ts';
import {
  broadcast,
  has,
  invalid,
  numberAt,
  outputCount,
  sharedDim,
  tensor,
  times,
} from './rules.ts';
import { slicingOps } from './slicing.ts';

/** What ONNX lacks: spatial operators on channels-last values [N, …, C], and products and sums with an activation
 *  in them. Passes and the TFLite reader make these nodes. Weights are as ONNX has them. */

const domain = 'mp';

/** [N, …, C] → [N, C, …]; a shape without these axes stays. */
function channelsFirst(shape: Shape): Shape {
  if (shape === null || shape.length < 2) return shape;
  return [shape[0]!, shape.at(-1)!, ...shape.slice(1, -1)];
}

/** [N, C, …] → [N, …, C] */
export function channelsLast(shape: Shape): Shape {
  if (shape === null || shape.length < 2) return shape;
  return [shape[0]!, ...shape.slice(2), shape[1]!];
}

/** What ONNX's rule for the operator is to see: input 0 as if its channels came first. */
export function turned(c: InferContext): InferContext {
  return {
    node: c.node,
    attributes: c.attributes,
    frugal: c.frugal,
    type: (input) => c.type(input),
    dtype: (input) => c.dtype(input),
    shape: (input) => (input === 0 ? channelsFirst(c.shape(0)) : c.shape(input)),
    values: (input) => (input === 0 ? null : c.values(input)),
    inferBody: (attribute, inputs) => c.inferBody(attribute, inputs),
  };
}

function turnedForCost(c: CostContext): CostContext {
  return { ...turned(c), outputShape: (output) => channelsFirst(c.outputShape(output)) };
}

/** An operator of ONNX with channels last and one output. */
function spatial(table: readonly Op[], name: string, changes: Partial<Op> = {}): Op {
  const op = table.find((item) => item.name === name)!;
  return {
    name,
    domain,
    inputs: op.inputs,
    outputs: [1, 1],
    attributes: op.attributes,
    infer: (c) => {
      const type = op.infer(turned(c))[0]?.type ?? null;
      if (type?.kind !== 'tensor') return [{ type }];
      return [tensor(type.dtype, channelsLast(type.shape))];
    },
    ...(op.cost === undefined ? {} : { cost: (c) => op.cost!(turnedForCost(c)) }),
    ...changes,
  };
}

function activated(op: Op): Op {
  return { ...op, attributes: { ...op.attributes, ...activationAttributes } };
}

function convolution(): Op {
  const op = spatial(convOps, 'Conv', { inputs: [2, 4] });
  return activated({
    ...op,
    infer: (c) => {
      const outputs = op.infer(c);
      const type = outputs[0]?.type;
      const addend = c.shape(3);
      if (addend === null || type?.kind !== 'tensor' || type.shape === null) return outputs;
      if (addend.length !== type.shape.length)
        throw invalid(c, 'E_SHAPE_RANK', `the addend has rank ${addend.length}`);
      const dims = type.shape.map((dim, axis) => sharedDim(c, dim, addend[axis]!, 'the addend'));
      return [tensor(type.dtype, dims)];
    },
  });
}

/** A matrix operand as it is multiplied: with its last two axes exchanged if the node says so. */
function operand(c: InferContext, input: 0 | 1): Shape {
  const shape = c.shape(input);
  if (c.attributes.int(input === 0 ? 'transA' : 'transB') === 0 || shape === null) return shape;
  if (shape.length < 2) throw invalid(c, 'E_SHAPE_RANK', 'a vector is not to be transposed');
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
}

function matmulRule(c: InferContext): OutputInfo[] {
  const shape = matmulShape(c, operand(c, 0), operand(c, 1));
  const bias = has(c, 2) ? c.shape(2) : null;
  if (bias !== null && shape !== null) {
    const whole = broadcast(c, [shape, bias]);
    if (whole !== null && whole.length > shape.length)
      throw invalid(c, 'E_SHAPE_RANK', `a bias of rank ${bias.length} for rank ${shape.length}`);
  }
  return [tensor(c.dtype(0), shape)];
}

const flag: AttributeSchema = { kind: 'int', default: 0, min: 0, max: 1 };

const matmul: Op = activated({
  name: 'MatMul',
  domain,
  inputs: [2, 3],
  outputs: [1, 1],
  attributes: { transA: flag, transB: flag, alpha: { kind: 'float', default: 1 } },
  infer: matmulRule,
  cost: (c) => ({ macs: times(outputCount(c), numberAt(operand(c, 0), -1)) }),
});

/** Resize names its axes, or has one factor for each in the order of the input: its rule is the same. */
function sameRule(table: readonly Op[], name: string): Op {
  return { ...table.find((item) => item.name === name)!, domain };
}

export const mpOps: readonly Op[] = [
  convolution(),
  activated(spatial(convOps, 'ConvTranspose')),
  spatial(poolOps, 'MaxPool'),
  spatial(poolOps, 'AveragePool'),
  spatial(poolOps, 'LpPool'),
  spatial(poolOps, 'GlobalAveragePool'),
  spatial(poolOps, 'GlobalMaxPool'),
  matmul,
  sameRule(imageOps, 'Resize'),
  spatial(normalizationOps, 'BatchNormalization'),
  spatial(normalizationOps, 'InstanceNormalization'),
  spatial(normalizationOps, 'GroupNormalization'),
  spatial(normalizationOps, 'LRN'),
  spatial(slicingOps, 'DepthToSpace'),
  spatial(slicingOps, 'SpaceToDepth'),
  ...['Add', 'Sub', 'Mul'].map((name) => activated(sameRule(binaryOps, name))),
];
