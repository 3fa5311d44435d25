import type { Value } from '../../ir/graph.ts';
import { headsOf } from './attention.ts';
import type { Expansion } from './index.ts';

/** A depthwise convolution over what was kept of earlier steps and the new ones. */
const causalConvolution: Expansion = (p) => {
  const [x, w] = [p.in(0), p.in(1)];
  const dims = p.dims(x);
  const [batch, channels, length] = dims as [number, number, number];
  const taps = p.dims(w)[2]!;
  const zeros = (): Value => p.expand(p.scalar(0, p.dtype(x)), [batch, channels, taps - 1]);
  const past = p.maybe(3) ?? (taps === 1 ? null : zeros());
  const whole = past === null || taps === 1 ? x : p.concat([past, x], 2);
  const bias = p.maybe(2);
  const inputs = bias === null ? [whole, w] : [whole, w, bias];
  const sums = p.op('Conv', inputs, dims, p.dtype(x), { group: channels, kernel_shape: [taps] });
  const isPlain = p.attributes.string('activation') === 'none';
  p.end(0, isPlain ? sums : p.mul(sums, p.unary('Sigmoid', sums)));
  const total = length + taps - 1;
  p.end(1, p.slice(whole, 2, total - (taps - 1), total));
};

/** Attention with a state [batch, heads, keys, values] in place of all earlier positions, step after step: it decays,
 *  forgets what the key retrieves (delta), takes key ⊗ value, and is read by the query. */
const linearAttention: Expansion = (p) => {
  const kvHeads = p.attributes.int('kv_num_heads');
  const qHeads = p.attributes.int('q_num_heads');
  const q = headsOf(p, p.in(0), 'q_num_heads');
  const [k, v] = [headsOf(p, p.in(1), 'kv_num_heads'), headsOf(p, p.in(2), 'kv_num_heads')];
  const [batch, , length, size] = p.dims(q) as [number, number, number, number];
  const width = p.dims(v)[3]!;
  const rule = p.attributes.string('update_rule', 'gated_delta');
  const [isGated, isDelta] = [rule.startsWith('gated'), rule.endsWith('delta')];
  if (p.dtype(q) !== 'float32') p.stop('attention on other than float32');
  if (length > 256) p.stop(`${length} steps are too many to write one by one`);
  const given = p.attributes.float('scale', 0);
  const scaled = p.mul(q, given === 0 ? 1 / Math.sqrt(size) : given);
  const group = qHeads / kvHeads;
  const queries = p.reshape(scaled, [batch, kvHeads, group, length, size]);
  const area = [batch, kvHeads, size, width];
  let state = p.maybe(3) ?? p.expand(p.floats([0], []), area);
  /** What belongs to a step of [batch, length, parts], for states. */
  const stepOf = (all: Value, t: number): Value => {
    const parts = p.dims(all)[2]!;
    const own = p.slice(all, 1, t, t + 1);
    if (parts === kvHeads) return p.reshape(own, [batch, kvHeads, 1, 1]);
    return p.reshape(own, parts === 1 ? [batch, 1, 1, 1] : [batch, kvHeads, size, 1]);
  };
  const decay = isGated ? p.unary('Exp', p.in(4)) : null;
  const outputs: Value[] = [];
  for (let t = 0; t < length; t++) {
    const key = p.slice(k, 2, t, t + 1);
    let value = p.slice(v, 2, t, t + 1);
    if (decay !== null) state = p.mul(state, stepOf(decay, t));
    if (isDelta) value = p.mul(p.sub(value, p.matmul(key, state)), stepOf(p.in(5), t));
    state = p.add(state, p.mul(p.reshape(key, [batch, kvHeads, size, 1]), value));
    const query = p.reshape(p.slice(queries, 3, t, t + 1), [batch, kvHeads, group, size]);
    outputs.push(p.reshape(p.matmul(query, state), [batch, 1, qHeads * width]));
  }
  p.end(0, p.concat(outputs, 1));
  p.end(1, state);
};

export const linearExpansions: Readonly<Record<string, Expansion>> = {
  CausalConvWithState: causalConvolution,
  LinearAttention: linearAttention,
};
