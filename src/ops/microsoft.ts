import type { Shape } from '../core/shape.ts';
import { convOps } from './conv.ts';
import { matmulOps, matmulShape } from './matmul.ts';
import { microsoftAttentionOps } from './microsoft-attention.ts';
import { microsoftQuantizedOps } from './microsoft-quantized.ts';
import type { CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { numberAt, outputCount, sameAsFirst, sharedDim, tensor, times, withRank } from './rules.ts';

/** Operators of onnxruntime's domain that quantizers and optimizers write. */
const domain = 'com.microsoft';

const gemm: Op = matmulOps.find(({ name }) => name === 'Gemm')!;

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;

/** A [..., K] times packed weights of [N, K] → [..., N]. */
function matMulNBitsRule(c: InferContext): OutputInfo[] {
  const a = withRank(c, 0, 1, Infinity);
  const columns = c.attributes.int('N');
  if (a === null) return [tensor(c.dtype(0), null)];
  sharedDim(c, a.at(-1)!, c.attributes.int('K'), 'inner dimensions');
  return [tensor(c.dtype(0), [...a.slice(0, -1), columns])];
}

/** MatMul whose operands may be transposed: the first axis moved behind the batch, then the last two exchanged. */
function fusedMatMulRule(c: InferContext): OutputInfo[] {
  const turned = (input: number, side: string): Shape => {
    let shape = c.shape(input);
    if (shape === null || shape.length < 2) return shape;
    if (c.attributes.int(`transBatch${side}`) !== 0)
      shape = [...shape.slice(1, -1), shape[0]!, shape.at(-1)!];
    if (c.attributes.int(`trans${side}`) === 0) return shape;
    return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  };
  return [tensor(c.dtype(0), matmulShape(c, turned(0, 'A'), turned(1, 'B')))];
}

function fusedMatMulMacs(c: CostContext): number | null {
  const isBatched = c.attributes.int('transBatchA') !== 0;
  const inner = c.attributes.int('transA') === 0 ? -1 : isBatched ? 0 : -2;
  return times(outputCount(c), numberAt(c.shape(0), inner));
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
  {
    ...gemm,
    name: 'FusedGemm',
    domain,
    attributes: {
      ...gemm.attributes,
      activation: { kind: 'string' },
      activation_alpha: { kind: 'float' },
      activation_beta: { kind: 'float' },
      activation_gamma: { kind: 'float' },
    },
  },
  {
    name: 'FastGelu',
    domain,
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: {},
    infer: sameAsFirst,
  },
  {
    name: 'SkipSimplifiedLayerNormalization',
    domain,
    inputs: [3, 4],
    outputs: [1, 4],
    attributes: { epsilon: { kind: 'float', default: 1e-5 } },
    infer: skipRule,
  },
  {
    name: 'Inverse',
    domain,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => {
      const x = withRank(c, 0, 2, Infinity);
      if (x !== null) sharedDim(c, x.at(-1)!, x.at(-2)!, 'a square matrix');
      return sameAsFirst(c);
    },
  },
  ...microsoftAttentionOps,
  ...microsoftQuantizedOps,
];
