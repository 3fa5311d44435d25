import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** A number that hides a score: its exponential is 0, and no sum of two overflows. */
const hidden = -1e30;

/** [batch, heads, length, size], from heads side by side or one behind the other already. */
export function headsOf(p: Parts, x: Value, attribute: string): Value {
  const dims = p.dims(x);
  if (dims.length === 4) return x;
  const heads = p.attributes.int(attribute, 0);
  const [batch, length, width] = dims as [number, number, number];
  if (dims.length !== 3 || heads < 1) p.stop('heads are not known');
  return p.transpose(p.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

/** Scaled dot-product attention: softmax(softcap(Q·Kᵀ·scale) + bias)·V, heads of keys shared by groups of queries. */
const attention: Expansion = (p) => {
  const isPacked = p.dims(p.in(0)).length === 3;
  const q = headsOf(p, p.in(0), 'q_num_heads');
  const [k, v] = [1, 2].map((input) => {
    const own = headsOf(p, p.in(input), 'kv_num_heads');
    const past = p.maybe(input + 3);
    return past === null ? own : p.concat([past, own], 2);
  }) as [Value, Value];
  const [batch, heads, length, size] = p.dims(q) as [number, number, number, number];
  const [, kvHeads, total] = p.dims(k) as [number, number, number];
  const group = heads / kvHeads;
  const width = p.dims(v)[3]!;
  if (!Number.isInteger(group)) p.stop('groups of heads do not fit');
  if (p.dtype(q) !== 'float32') p.stop('attention on other than float32');
  // Queries of one group share keys: they are further rows.
  const rows = p.reshape(q, [batch, kvHeads, group * length, size]);
  const scale = p.attributes.has('scale') ? p.attributes.float('scale') : 1 / Math.sqrt(size);
  const products = p.matmul(p.mul(rows, scale), p.transpose(k, [0, 1, 3, 2]));
  let scores = p.reshape(products, [batch, heads, length, total]);
  const shown = [scores];
  const softcap = p.attributes.float('softcap', 0);
  if (softcap > 0) scores = p.mul(p.unary('Tanh', p.div(scores, softcap)), softcap);
  shown.push(scores);
  const offset = p.has(4) ? p.dims(p.in(4))[2]! : 0;
  const { bias, visible } = maskOf(p, length, total, offset);
  if (bias !== null) scores = p.add(scores, bias);
  shown.push(visible === null ? scores : p.where(visible, scores, Number.NEGATIVE_INFINITY));
  if (visible !== null) scores = p.where(visible, scores, hidden);
  let shares = p.softmax(scores);
  // Where nothing may be attended, nothing is.
  if (visible !== null) shares = p.mul(shares, p.cast(visible, 'float32'));
  shown.push(shares);
  const grouped = p.reshape(shares, [batch, kvHeads, group * length, total]);
  const result = p.reshape(p.matmul(grouped, v), [batch, heads, length, width]);
  const packed = (): Value =>
    p.reshape(p.transpose(result, [0, 2, 1, 3]), [batch, length, heads * width]);
  p.end(0, isPacked ? packed() : result);
  p.end(1, k);
  p.end(2, v);
  if (p.wants(3)) p.end(3, shown[p.attributes.int('qk_matmul_output_mode', 0)]!);
};

/** What is added to scores [batch, heads, length, total], and which may be attended at all. */
function maskOf(
  p: Parts,
  length: number,
  total: number,
  past: number,
): { bias: Value | null; visible: Value | null } {
  const flags: Value[] = [];
  let bias: Value | null = null;
  const mask = p.maybe(3);
  if (mask !== null) {
    const width = p.dims(mask).at(-1)!;
    // A mask may be shorter than the keys: the rest is hidden.
    const isShort = width < total && width !== 1;
    const full = (x: Value, rest: Value): Value => (isShort ? p.concat([x, rest], -1) : x);
    const restDims = [...p.dims(mask).slice(0, -1), total - width];
    if (p.dtype(mask) === 'bool') {
      const as = p.cast(mask, 'float32');
      const zero = isShort ? p.expand(p.floats([0], []), restDims) : as;
      flags.push(p.test('Greater', full(as, zero), 0.5));
    } else {
      const least = isShort ? p.expand(p.floats([-Infinity], []), restDims) : mask;
      bias = full(mask, least);
      const open = p.test('Greater', bias, hidden);
      flags.push(open);
      bias = p.where(open, bias, 0);
    }
  }
  const left = p.attributes.int('left_window_size', -1);
  const right = p.attributes.int('right_window_size', -1);
  const isCausal = p.attributes.int('is_causal', 0) !== 0;
  const columns = p.floats(
    Float32Array.from({ length: total }, (_, i) => i),
    [1, 1, 1, total],
  );
  let places: Value | null = null;
  if (p.has(6)) {
    const valid = p.reshape(p.cast(p.in(6), 'float32'), [p.dims(p.in(6))[0]!, 1, 1, 1]);
    flags.push(p.test('Less', columns, valid));
    places = p.add(
      p.floats(
        Float32Array.from({ length }, (_, i) => i - length),
        [1, 1, length, 1],
      ),
      valid,
    );
  }
  if (isCausal || left >= 0 || right >= 0) {
    places ??= p.floats(
      Float32Array.from({ length }, (_, i) => i + past),
      [1, 1, length, 1],
    );
    const ahead = p.sub(columns, places);
    if (isCausal || right >= 0) flags.push(p.test('LessOrEqual', ahead, isCausal ? 0 : right));
    if (isCausal && right >= 0) flags.push(p.test('LessOrEqual', ahead, right));
    if (left >= 0) flags.push(p.test('GreaterOrEqual', ahead, -left));
  }
  const visible = flags.reduce<Value | null>(
    (all, flag) => (all === null ? flag : p.binary('And', all, flag)),
    null,
  );
  return { bias, visible };
}

/** Pairs of components turned by angles whose cosines and sines are given. */
const rotaryEmbedding: Expansion = (p) => {
  const [x, cosines, sines] = [p.in(0), p.in(1), p.in(2)];
  const dims = p.dims(x);
  const heads = p.attributes.int('num_heads', 0);
  const [batch, length] = dims.length === 3 ? [dims[0]!, dims[1]!] : [dims[0]!, dims[2]!];
  const ownHeads = dims.length === 3 ? heads : dims[1]!;
  if (ownHeads < 1) p.stop('heads are not known');
  const size = dims.length === 3 ? dims[2]! / ownHeads : dims[3]!;
  // [batch, length, heads, size]
  const apart =
    dims.length === 3
      ? p.reshape(x, [batch, length, ownHeads, size])
      : p.transpose(x, [0, 2, 1, 3]);
  const turnedSize = p.attributes.int('rotary_embedding_dim', 0) || size;
  const half = turnedSize / 2;
  const ids = p.maybe(3);
  const table = (all: Value): Value => {
    const own = ids === null ? all : p.gather(all, ids, 0);
    return p.reshape(own, [batch, length, 1, half]);
  };
  const [cos, sin] = [table(cosines), table(sines)];
  const turned = p.slice(apart, 3, 0, turnedSize);
  const isInterleaved = p.attributes.int('interleaved', 0) !== 0;
  const halves = isInterleaved
    ? p.reshape(turned, [batch, length, ownHeads, half, 2])
    : p.reshape(turned, [batch, length, ownHeads, 2, half]);
  const axis = isInterleaved ? 4 : 3;
  const [first, second] = [0, 1].map((i) =>
    p.reshape(p.slice(halves, axis, i, i + 1), [batch, length, ownHeads, half]),
  ) as [Value, Value];
  const real = p.sub(p.mul(first, cos), p.mul(second, sin));
  const imaginary = p.add(p.mul(first, sin), p.mul(second, cos));
  const joined = [real, imaginary].map((part) =>
    p.reshape(
      part,
      isInterleaved ? [batch, length, ownHeads, half, 1] : [batch, length, ownHeads, 1, half],
    ),
  );
  const together = p.reshape(p.concat(joined, axis), [batch, length, ownHeads, turnedSize]);
  const whole =
    turnedSize === size ? together : p.concat([together, p.slice(apart, 3, turnedSize, size)], 3);
  p.end(0, dims.length === 3 ? p.reshape(whole, dims) : p.transpose(whole, [0, 2, 1, 3]));
};

/** softmax(Q·Kᵀ·scale)·V whose scores and probabilities go through graphs of the node. */
const flexAttention: Expansion = (p) => {
  const [q, k, v] = [p.in(0), p.in(1), p.in(2)];
  const [batch, heads, length, size] = p.dims(q) as [number, number, number, number];
  const [, kvHeads, total] = p.dims(k) as [number, number, number];
  const group = heads / kvHeads;
  if (!Number.isInteger(group)) p.stop('groups of heads do not fit');
  if (p.dtype(q) !== 'float32') p.stop('attention on other than float32');
  const scale = p.attributes.has('scale') ? p.attributes.float('scale') : 1 / Math.sqrt(size);
  const rows = p.reshape(p.mul(q, scale), [batch, kvHeads, group * length, size]);
  const products = p.matmul(rows, p.transpose(k, [0, 1, 3, 2]));
  const dims = [batch, heads, length, total];
  const modified = (name: string, x: Value): Value => {
    const body = p.node.attributes.get(name);
    if (body?.type !== 'graph') return x;
    return p.op('Identity', p.copier(body.value)([x]), dims, 'float32');
  };
  const scores = modified('score_mod', p.reshape(products, dims));
  const shares = modified('prob_mod', p.softmax(scores));
  const grouped = p.reshape(shares, [batch, kvHeads, group * length, total]);
  p.end(0, p.reshape(p.matmul(grouped, v), [batch, heads, length, p.dims(v)[3]!]));
};

export const attentionExpansions: Readonly<Record<string, Expansion>> = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding,
  'ai.onnx.preview:FlexAttention': flexAttention,
};
