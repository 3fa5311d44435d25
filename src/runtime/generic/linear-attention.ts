import type { Tensor } from '../../core/tensor.ts';
import { headsOf, packHeads } from './attention-heads.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { exp } from './functions.ts';
import { invalid, optionalAt, tensorAt } from './operands.ts';

/** Attention with a state [batch, heads, keys, values] in place of all earlier positions: it decays, forgets what the
 *  key retrieves (delta), takes key ⊗ value, and is read by the query. */
export function linearAttention(c: EvaluateContext): readonly Tensor[] {
  const kvHeads = c.attributes.int('kv_num_heads');
  const qHeads = c.attributes.int('q_num_heads');
  const query = tensorAt(c, 0);
  const q = headsOf(c, query, qHeads);
  const k = headsOf(c, tensorAt(c, 1), kvHeads);
  const v = headsOf(c, tensorAt(c, 2), kvHeads);
  const rule = c.attributes.string('update_rule', 'gated_delta');
  const [isGated, isDelta] = [rule.startsWith('gated'), rule.endsWith('delta')];
  const past = optionalAt(c, 3);
  const [decay, beta] = [optionalAt(c, 4), optionalAt(c, 5)];
  if (isGated !== (decay !== undefined) || isDelta !== (beta !== undefined))
    throw invalid(c, 'E_OP_ARITY', `decay and beta do not go with "${rule}"`);
  if (qHeads % kvHeads !== 0 || q.size !== k.size)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'queries and keys do not fit');
  const given = c.attributes.float('scale', 0);
  const scale = given === 0 ? 1 / Math.sqrt(k.size) : given;
  const decays = decay === undefined ? null : exp(Float64Array.from(numbersOf(decay)));
  const betas = beta === undefined ? null : numbersOf(beta);
  const [perStep, perBeta] = [decay?.dims[2] ?? 0, beta?.dims[2] ?? 0];
  const area = k.size * v.size;
  const states = new Float64Array(q.batch * kvHeads * area);
  if (past !== undefined) states.set(numbersOf(past));
  const output = new Float64Array(q.batch * qHeads * q.length * v.size);
  const group = qHeads / kvHeads;
  for (let b = 0; b < q.batch; b++) {
    for (let h = 0; h < kvHeads; h++) {
      const state = states.subarray((b * kvHeads + h) * area, (b * kvHeads + h + 1) * area);
      for (let t = 0; t < k.length; t++) {
        const row = (b * kvHeads + h) * k.length + t;
        const key = k.values.subarray(row * k.size, (row + 1) * k.size);
        const value = v.values.slice(row * v.size, (row + 1) * v.size);
        if (decays !== null) {
          const at = (b * k.length + t) * perStep;
          for (let i = 0; i < area; i++) {
            const own = perStep === kvHeads ? h : h * k.size + Math.floor(i / v.size);
            state[i] = state[i]! * decays[at + own]!;
          }
        }
        if (betas !== null) {
          const strength = betas[(b * k.length + t) * perBeta + (perBeta === 1 ? 0 : h)]!;
          for (let m = 0; m < v.size; m++) {
            let retrieved = 0;
            for (let d = 0; d < k.size; d++) retrieved += state[d * v.size + m]! * key[d]!;
            value[m] = strength * (value[m]! - retrieved);
          }
        }
        for (let i = 0; i < area; i++)
          state[i] = state[i]! + key[Math.floor(i / v.size)]! * value[i % v.size]!;
        for (let g = 0; g < group; g++) {
          const to = (b * qHeads + h * group + g) * q.length + t;
          for (let m = 0; m < v.size; m++) {
            let sum = 0;
            for (let d = 0; d < k.size; d++)
              sum += q.values[to * q.size + d]! * state[d * v.size + m]!;
            output[to * v.size + m] = scale * sum;
          }
        }
      }
    }
  }
  const result = { ...q, size: v.size, values: output };
  const dims = [q.batch, kvHeads, k.size, v.size];
  return [packHeads(query.type, result), tensorOf(past?.type ?? query.type, states, dims)];
}
