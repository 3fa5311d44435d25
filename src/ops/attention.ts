import { addDims, floorDivideDims, multiplyDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { CostContext, InferContext, Op, OutputInfo } from './op.ts';
import { countOf, has, invalid, sameAsFirst, tensor, times, withRank } from './rules.ts';

/** Queries, keys and values as [batch, heads, length, size per head]. */
interface Heads {
  batch: Dim;
  heads: Dim;
  length: Dim;
  size: Dim;
}

/** Rank 3 is [batch, length, heads · size]. */
function headsOf(c: InferContext, input: number, attribute: string): Heads | null {
  const shape = withRank(c, input, 3, 4);
  if (shape === null) return null;
  if (shape.length === 4) {
    const [batch, heads, length, size] = shape as [Dim, Dim, Dim, Dim];
    return { batch, heads, length, size };
  }
  const [batch, length, width] = shape as [Dim, Dim, Dim];
  const heads = c.attributes.has(attribute) ? c.attributes.int(attribute) : null;
  if (heads === null) throw invalid(c, 'E_OP_ATTRIBUTE', `rank 3 needs "${attribute}"`);
  return { batch, heads, length, size: floorDivideDims(width, heads) };
}

interface AttentionShapes {
  output: Shape;
  key: Shape;
  value: Shape;
  scores: Shape;
  /** Size of a query per head, which each score sums over. */
  queryHead: Dim;
  valueHead: Dim;
}

function attentionShapes(c: InferContext): AttentionShapes | null {
  const q = headsOf(c, 0, 'q_num_heads');
  const k = headsOf(c, 1, 'kv_num_heads');
  const v = headsOf(c, 2, 'kv_num_heads');
  if (q === null || k === null || v === null) return null;
  const past = has(c, 4) ? (withRank(c, 4, 4)?.[2] ?? null) : 0;
  const total = addDims(past, k.length);
  const isPacked = c.shape(0)?.length === 3;
  const output = isPacked
    ? [q.batch, q.length, multiplyDims(q.heads, v.size)]
    : [q.batch, q.heads, q.length, v.size];
  return {
    output,
    key: [k.batch, k.heads, total, k.size],
    value: [v.batch, v.heads, total, v.size],
    scores: [q.batch, q.heads, q.length, total],
    queryHead: q.size,
    valueHead: v.size,
  };
}

function attentionRule(c: InferContext): OutputInfo[] {
  const shapes = attentionShapes(c);
  const [query, value] = [c.dtype(0), c.dtype(2)];
  return [
    tensor(query, shapes?.output ?? null),
    tensor(c.dtype(1), shapes?.key ?? null),
    tensor(value, shapes?.value ?? null),
    tensor(query, shapes?.scores ?? null),
  ];
}

/** Scores and their product with the values; masks are not counted as savings. */
function attentionMacs(c: CostContext): number | null {
  const shapes = attentionShapes(c);
  if (shapes === null) return null;
  const per = addDims(shapes.queryHead, shapes.valueHead);
  return times(countOf(shapes.scores), typeof per === 'number' ? per : null);
}

/** query [B, T, heads · d]; the state is [B, heads, d of keys, d of values]. */
function linearAttentionRule(c: InferContext): OutputInfo[] {
  const query = withRank(c, 0, 3);
  const key = withRank(c, 1, 3);
  const value = withRank(c, 2, 3);
  const groups = c.attributes.int('kv_num_heads');
  const keySize = floorDivideDims(key?.[2] ?? null, groups);
  const valueSize = floorDivideDims(value?.[2] ?? null, groups);
  const width = multiplyDims(c.attributes.int('q_num_heads'), valueSize);
  const batch = query?.[0] ?? null;
  const state = has(c, 3) ? c.shape(3) : [batch, groups, keySize, valueSize];
  return [
    tensor(c.dtype(0), [batch, query?.[1] ?? null, width]),
    tensor(has(c, 3) ? c.dtype(3) : c.dtype(0), state),
  ];
}

/** Queries [B, heads, L, size], keys and values with heads that groups of queries share. */
function flexRule(c: InferContext): OutputInfo[] {
  const [query, value] = [withRank(c, 0, 4), withRank(c, 2, 4)];
  const shape = query === null ? null : [...query.slice(0, 3), value?.[3] ?? null];
  return [tensor(c.dtype(0), shape)];
}

const heads = { kind: 'int', min: 1 } as const;

export const attentionOps: readonly Op[] = [
  {
    name: 'Attention',
    inputs: [3, 7],
    outputs: [1, 4],
    attributes: {
      is_causal: { kind: 'int', default: 0 },
      kv_num_heads: heads,
      left_window_size: { kind: 'int', default: -1 },
      q_num_heads: heads,
      qk_matmul_output_mode: { kind: 'int', default: 0, min: 0, max: 3 },
      right_window_size: { kind: 'int', default: -1 },
      scale: { kind: 'float' },
      softcap: { kind: 'float', default: 0 },
      softmax_precision: { kind: 'int' },
    },
    infer: attentionRule,
    cost: (c) => ({ macs: attentionMacs(c) }),
  },
  {
    name: 'LinearAttention',
    inputs: [3, 6],
    outputs: [2, 2],
    attributes: {
      chunk_size: { kind: 'int', default: 64, min: 1 },
      kv_num_heads: { ...heads, required: true },
      q_num_heads: { ...heads, required: true },
      scale: { kind: 'float', default: 0 },
      update_rule: {
        kind: 'string',
        default: 'gated_delta',
        oneOf: ['linear', 'gated', 'delta', 'gated_delta'],
      },
    },
    infer: linearAttentionRule,
  },
  {
    name: 'FlexAttention',
    domain: 'ai.onnx.preview',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: {
      prob_mod: { kind: 'graph' },
      scale: { kind: 'float' },
      score_mod: { kind: 'graph' },
      softmax_precision: { kind: 'int' },
    },
    infer: flexRule,
  },
  {
    name: 'RotaryEmbedding',
    inputs: [3, 4],
    outputs: [1, 1],
    attributes: {
      interleaved: { kind: 'int', default: 0 },
      num_heads: { kind: 'int', min: 0 },
      rotary_embedding_dim: { kind: 'int', default: 0, min: 0 },
    },
    infer: sameAsFirst,
  },
];
