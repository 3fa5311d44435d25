import { addDims, floorDivideDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { has, sharedDim, tensor, withRank } from './rules.ts';

/** Attention and embeddings as onnxruntime's optimizer fuses them. */
const domain = 'com.microsoft';

const heads = { kind: 'int', required: true, min: 1 } as const;
const attentionAttributes = {
  mask_filter_value: { kind: 'float', default: -10000 },
  num_heads: heads,
  scale: { kind: 'float', default: 0 },
  unidirectional: { kind: 'int', default: 0, min: 0, max: 1 },
} as const;

/** Queries [B, S, hidden], with keys and values [B, L, hidden] or [B, heads, L, size], or packed behind them. */
function multiHeadRule(c: InferContext): OutputInfo[] {
  const query = withRank(c, 0, 3, 5);
  const key = has(c, 1) ? withRank(c, 1, 3, 5) : null;
  const value = has(c, 2) ? withRank(c, 2, 3, 4) : null;
  const count = c.attributes.int('num_heads');
  const dtype = c.dtype(0);
  if (query === null) return [tensor(dtype, null), tensor(dtype, null), tensor(dtype, null)];
  const isPacked = query.length === 5;
  const size = isPacked ? query[4]! : floorDivideDims(query[2]!, count);
  const width = isPacked && typeof size === 'number' ? size * count : isPacked ? null : query[2]!;
  const own = isPacked ? query[1]! : key?.length === 4 ? key[2]! : (key?.[1] ?? null);
  const valueWidth = value?.length === 3 ? value[2]! : width;
  const past = has(c, 6) ? (c.shape(6)?.[2] ?? null) : 0;
  const total: Dim = addDims(past, own);
  const present = (head: Dim): Shape => [query[0]!, count, total, head];
  return [
    tensor(dtype, [query[0]!, query[1]!, valueWidth]),
    tensor(dtype, present(size)),
    tensor(dtype, present(floorDivideDims(valueWidth, count))),
  ];
}

/** Input [B, S, D] times weights [D, 3·hidden]; the past is [2, B, heads, P, size]. */
function attentionRule(c: InferContext): OutputInfo[] {
  const input = withRank(c, 0, 3);
  const weights = withRank(c, 1, 2);
  if (input !== null && weights !== null) sharedDim(c, input[2]!, weights[0]!, 'inner dimensions');
  const widths = c.attributes.ints('qkv_hidden_sizes');
  const width = widths === null ? floorDivideDims(weights?.[1] ?? null, 3) : (widths[2] ?? null);
  const count = c.attributes.int('num_heads');
  const past = has(c, 4) ? (c.shape(4)?.[3] ?? null) : 0;
  const total = addDims(past, input?.[1] ?? null);
  const batch = input?.[0] ?? null;
  return [
    tensor(c.dtype(0), [batch, input?.[1] ?? null, width]),
    tensor(c.dtype(0), [2, batch, count, total, floorDivideDims(width, count)]),
  ];
}

function embedRule(c: InferContext): OutputInfo[] {
  const ids = withRank(c, 0, 2);
  const width = c.shape(2)?.[1] ?? null;
  const shape: Shape = [ids?.[0] ?? null, ids?.[1] ?? null, width];
  return [
    tensor(c.dtype(2), shape),
    tensor('int32', [ids?.[0] ?? null]),
    tensor(c.dtype(2), shape),
  ];
}

export const microsoftAttentionOps: readonly Op[] = [
  {
    name: 'MultiHeadAttention',
    domain,
    inputs: [1, 8],
    outputs: [1, 3],
    attributes: attentionAttributes,
    infer: multiHeadRule,
  },
  {
    name: 'Attention',
    domain,
    inputs: [2, 6],
    outputs: [1, 2],
    attributes: { ...attentionAttributes, qkv_hidden_sizes: { kind: 'ints', min: 1 } },
    infer: attentionRule,
  },
  {
    name: 'EmbedLayerNormalization',
    domain,
    inputs: [7, 9],
    outputs: [1, 3],
    attributes: {
      epsilon: { kind: 'float', default: 1e-12 },
      mask_index_type: { kind: 'int', default: 0 },
    },
    infer: embedRule,
  },
];
