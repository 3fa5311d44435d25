import type { Tensor } from '../../core/tensor.ts';
import { concatenated, type Heads, headsOf, packHeads } from './attention-heads.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { exp, tanh } from './functions.ts';
import { broadcastOffsets } from './indexing.ts';
import { linearAttention } from './linear-attention.ts';
import { integersAt, invalid, optionalAt, tensorAt } from './operands.ts';
import { rotaryEmbedding } from './rotary-embedding.ts';

/** Scaled dot-product attention: softmax(softcap(Q·Kᵀ·scale) + bias)·V, heads of keys shared by groups of queries. */
function attention(c: EvaluateContext): readonly (Tensor | undefined)[] {
  const query = tensorAt(c, 0);
  const isPacked = query.dims.length === 3;
  const heads = (name: string): number => (isPacked ? c.attributes.int(name) : 0);
  const q = headsOf(c, query, heads('q_num_heads'));
  const fresh = [1, 2].map((input) => headsOf(c, tensorAt(c, input), heads('kv_num_heads')));
  const past = [4, 5].map((input) => optionalAt(c, input));
  const [k, v] = fresh.map((own, i) => concatenated(c, past[i], own)) as [Heads, Heads];
  if (q.size !== k.size || k.length !== v.length || q.heads % k.heads !== 0)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'queries, keys and values do not fit');
  const offset = past[0]?.dims[2] ?? 0;
  const bias = biasOf(c, q, k.length, offset);
  const scale = c.attributes.has('scale') ? c.attributes.float('scale') : 1 / Math.sqrt(q.size);
  const softcap = c.attributes.float('softcap', 0);
  const mode = c.attributes.int('qk_matmul_output_mode', 0);
  const rows = q.batch * q.heads * q.length;
  const shown = new Float64Array(rows * k.length);
  const output = new Float64Array(rows * v.size);
  const group = q.heads / k.heads;
  for (let row = 0; row < rows; row++) {
    const batchHead = Math.floor(row / q.length);
    const batch = Math.floor(batchHead / q.heads);
    const kvHead = batch * k.heads + Math.floor((batchHead % q.heads) / group);
    let scores = new Float64Array(k.length);
    for (let j = 0; j < k.length; j++) {
      let sum = 0;
      const at = (kvHead * k.length + j) * k.size;
      for (let i = 0; i < q.size; i++) sum += q.values[row * q.size + i]! * k.values[at + i]!;
      scores[j] = sum * scale;
    }
    if (mode === 0) shown.set(scores, row * k.length);
    if (softcap > 0) scores = tanh(scores.map((s) => s / softcap)).map((s) => s * softcap);
    if (mode === 1) shown.set(scores, row * k.length);
    const own = bias.subarray(row * k.length, (row + 1) * k.length);
    scores = scores.map((score, j) => (own[j] === -Infinity ? -Infinity : score + own[j]!));
    if (mode === 2) shown.set(scores, row * k.length);
    const shares = sharesOf(scores, own);
    if (mode === 3) shown.set(shares, row * k.length);
    for (let j = 0; j < k.length; j++) {
      const share = shares[j]!;
      if (share === 0) continue;
      const at = (kvHead * k.length + j) * v.size;
      for (let i = 0; i < v.size; i++) {
        const to = row * v.size + i;
        output[to] = output[to]! + share * v.values[at + i]!;
      }
    }
  }
  const { type } = query;
  const result: Heads = { ...q, size: v.size, values: output };
  const [keyType, valueType] = [tensorAt(c, 1).type, tensorAt(c, 2).type];
  const dims = (own: Heads): number[] => [own.batch, own.heads, own.length, own.size];
  return [
    isPacked ? packHeads(type, result) : tensorOf(type, output, dims(result)),
    tensorOf(keyType, k.values, dims(k)),
    tensorOf(valueType, v.values, dims(v)),
    tensorOf(type, shown, [q.batch, q.heads, q.length, k.length]),
  ];
}

/** Softmax; a row where nothing may be attended has no shares at all. */
function sharesOf(scores: Float64Array, bias: Float64Array): Float64Array {
  const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  if (top === -Infinity || bias.every((value) => value === -Infinity))
    return new Float64Array(scores.length);
  const powers = exp(scores.map((score) => score - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** What is added to scores [batch, heads, length, total]: the mask, causality, windows, padding. */
function biasOf(c: EvaluateContext, q: Heads, total: number, past: number): Float64Array {
  const { batch, heads, length } = q;
  const bias = new Float64Array(batch * heads * length * total);
  addMask(c, bias, [batch, heads, length, total]);
  const isCausal = c.attributes.int('is_causal', 0) !== 0;
  const left = c.attributes.int('left_window_size', -1);
  const right = c.attributes.int('right_window_size', -1);
  const valid = c.inputs[6] == null ? null : integersAt(c, 6);
  if (!isCausal && left < 0 && right < 0 && valid === null) return bias;
  const at = (b: number): number => (valid === null ? past : valid[b]! - length);
  for (let row = 0; row < batch * heads * length; row++) {
    const b = Math.floor(row / length / heads);
    const place = (row % length) + at(b);
    for (let j = 0; j < total; j++) {
      const isHidden =
        (isCausal && j > place) ||
        (left >= 0 && place - j > left) ||
        (right >= 0 && j - place > right) ||
        (valid !== null && j >= valid[b]!);
      if (isHidden) bias[row * total + j] = -Infinity;
    }
  }
  return bias;
}

/** A mask may be shorter than the keys: the rest is hidden. */
function addMask(c: EvaluateContext, bias: Float64Array, dims: readonly number[]): void {
  const mask = optionalAt(c, 3);
  if (mask === undefined) return;
  const values = numbersOf(mask);
  const isTruth = mask.type === 'bool';
  const width = mask.dims.at(-1) ?? 1;
  const total = dims.at(-1)!;
  const isShort = width < total && width !== 1;
  const to = isShort ? [...dims.slice(0, -1), width] : dims;
  const offsets = broadcastOffsets(mask.dims, to);
  const columns = to.at(-1)!;
  for (let i = 0; i < bias.length; i++) {
    const column = i % total;
    const row = (i - column) / total;
    const value = column < columns ? values[offsets[row * columns + column]!]! : -Infinity;
    bias[i] = isTruth && column < columns ? (value === 0 ? -Infinity : 0) : value;
  }
}

export const attentionEvaluators: readonly Evaluator[] = [
  { op: 'Attention', evaluate: attention },
  { op: 'LinearAttention', evaluate: linearAttention },
  { op: 'RotaryEmbedding', evaluate: (c) => [rotaryEmbedding(c)] },
];
