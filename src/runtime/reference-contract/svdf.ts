import type { LowerContext } from '../lower/lowering.ts';
import { multiplierOf, scaled } from './multiplier.ts';
import { meaningOf, type Run, type StoredKernel } from './stored.ts';

/** int8 input and output, int8 feature weights, a state and time weights of int16 (int8 in files of TFLite Micro). */
function prepare(c: LowerContext): Run | null {
  const [x, features, time, bias, state] = c.inputs;
  const [y, after] = c.outputs;
  const meanings = [x, features, time, state, y].map((operand) => meaningOf(operand));
  if (meanings.some((meaning) => meaning === null)) return null;
  const [from, feature, weight, memory, to] = meanings as NonNullable<(typeof meanings)[0]>[];
  if (from!.storage !== 'int8' || to!.storage !== 'int8') return null;
  if (bias != null && bias.storage !== 'int32') return null;
  const activation = c.attributes.string('activation', 'none');
  if (activation !== 'none' && activation !== 'Relu') return null;
  const [batch, inner] = x!.dims as [number, number];
  const filters = features!.dims[0]!;
  const steps = time!.dims[1]!;
  const rank = c.attributes.int('rank');
  const units = filters / rank;
  // Factors are made of floats.
  const { fround } = Math;
  const into = multiplierOf(fround(fround(from!.scale * feature!.scale) / memory!.scale));
  const out = multiplierOf(fround(fround(memory!.scale * weight!.scale) / to!.scale));
  const { min, max } = memory!;

  return ([xs, fs, ts, bs, before], [ys, states]) => {
    const next = Int32Array.from(before!);
    next.copyWithin(0, 1);
    for (let n = 0; n < batch; n++) {
      for (let f = 0; f < filters; f++) {
        let sum = 0;
        for (let i = 0; i < inner; i++)
          sum += fs![f * inner + i]! * (xs![n * inner + i]! - from!.zero);
        next[(n * filters + f) * steps + steps - 1] = Math.min(
          Math.max(scaled(sum | 0, into), min),
          max,
        );
      }
    }
    if (ys != null) {
      for (let n = 0; n < batch; n++) {
        for (let unit = 0; unit < units; unit++) {
          let sum = bs == null ? 0 : bs[unit]!;
          for (let f = unit * rank; f < (unit + 1) * rank; f++) {
            const at = (n * filters + f) * steps;
            for (let t = 0; t < steps; t++) sum += ts![f * steps + t]! * next[at + t]!;
          }
          const level = scaled(sum | 0, out) + to!.zero;
          ys[n * units + unit] = Math.min(Math.max(level, to!.min), to!.max);
        }
      }
    }
    if (after != null) states?.set(next);
  };
}

/** TFLite computes a quantized SVDF in one way only. */
export const svdfKernel: StoredKernel = { op: 'SVDF', domain: 'mp', prepare };
