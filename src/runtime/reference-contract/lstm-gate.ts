import type { LowerContext } from '../lower/lowering.ts';
import { inverseSquareRoot, logistic16, tanh16 } from './fixed-point.ts';
import { type Multiplier, multiplierOf, scaled } from './multiplier.ts';
import { type Levels, type Meaning, meaningOf } from './stored.ts';

const { fround } = Math;

/** One gate of an LSTM in int16. */
export interface Gate {
  /** Which inputs of the node it reads: 0 input, 1 forget, 2 cell, 3 output. */
  readonly index: number;
  readonly input: Multiplier;
  readonly recurrent: Multiplier;
  readonly peephole: Multiplier | null;
  readonly norm: Norm | null;
  /** Of the input and of the output state. */
  readonly inputZero: number;
  readonly stateZero: number;
  readonly cells: number;
}

interface Norm {
  readonly factor: Multiplier;
  /** What a variance below 1 is taken for. */
  readonly guard: number;
}

/** An item of the input, and all inputs of the node. */
export interface GateInputs {
  readonly x: Levels;
  /** Which of the items that TFLite computes at once, and how many these are. */
  readonly item: number;
  readonly items: number;
  readonly constants: readonly (Levels | null)[];
}

/** Peepholes of input, forget and output gate among the node's inputs; the cell gate has none. */
const peepholes = [9, 10, null, 11];

/** What a gate multiplies by; null for an input gate that is not there, undefined for operands that it can't take.
 *  @param scale  of its sums */
export function gateOf(
  c: LowerContext,
  index: number,
  x: Meaning,
  state: Meaning,
  exponent: number,
  scale: number,
  hasNorm: boolean,
): Gate | null | undefined {
  if (c.inputs[1 + index] == null) return index === 0 ? null : undefined;
  const [w, r] = [meaningOf(c.inputs[1 + index]), meaningOf(c.inputs[5 + index])];
  const bias = c.inputs[12 + index];
  if (w?.storage !== 'int8' || r?.storage !== 'int8' || bias?.storage !== 'int32') return undefined;
  if (w.zero !== 0 || r.zero !== 0 || !(scale > 0)) return undefined;
  const at = peepholes[index]!;
  let peephole: Multiplier | null = null;
  if (at !== null && c.inputs[at] != null) {
    const meaning = meaningOf(c.inputs[at]);
    if (meaning?.storage !== 'int16') return undefined;
    peephole = multiplierOf(fround((2 ** exponent * meaning.scale) / scale));
  }
  let norm: Norm | null = null;
  if (hasNorm) {
    const meaning = meaningOf(c.inputs[20 + index]);
    if (meaning?.storage !== 'int16') return undefined;
    norm = {
      factor: multiplierOf(meaning.scale),
      guard: Math.max(1, Math.trunc(fround(10000 * meaning.scale))),
    };
  }
  return {
    index,
    input: multiplierOf(fround(fround(w.scale * x.scale) / scale)),
    recurrent: multiplierOf(fround(fround(r.scale * state.scale) / scale)),
    peephole,
    norm,
    inputZero: x.zero,
    stateZero: state.zero,
    cells: c.inputs[4]!.dims[0]!,
  };
}

const limited = (x: number): number => Math.min(Math.max(x, -32768), 32767);

/** Sums of a gate, normalized if it has a norm: int16. */
function sums(gate: Gate, all: GateInputs, h: Int32Array, s: Int32Array): Int32Array {
  const { x, constants, item, items } = all;
  const { index, cells, norm, peephole } = gate;
  const [w, r] = [constants[1 + index]!, constants[5 + index]!];
  const bias = constants[12 + index]!;
  const result = new Int32Array(cells);
  for (let k = 0; k < cells; k++) {
    let sum = norm === null ? bias[k]! : 0;
    for (let i = 0; i < x.length; i++) sum += w[k * x.length + i]! * (x[i]! - gate.inputZero);
    let level = limited(scaled(sum | 0, gate.input));
    sum = 0;
    for (let i = 0; i < h.length; i++) sum += r[k * h.length + i]! * (h[i]! - gate.stateZero);
    level = limited(scaled(sum | 0, gate.recurrent) + level);
    // TFLite steps through cells as if there were as many as outputs.
    const at = item * cells + k;
    if (peephole !== null && at < items * h.length) {
      const weight = constants[peepholes[index]!]![at % h.length]!;
      level = limited(scaled(weight * s[k]!, peephole) + level);
    }
    result[k] = level;
  }
  return norm === null ? result : normalized(result, norm, constants[20 + index]!, bias);
}

/** (x − mean) / deviation · weight + bias, with ten more bits inside. */
function normalized(x: Int32Array, { factor, guard }: Norm, weights: Levels, bias: Levels) {
  const count = x.length;
  let [sum, squares] = [0, 0];
  for (const value of x) {
    sum += value;
    squares += value * value;
  }
  const mean = Math.trunc((sum * 1024) / count);
  // Of up to 2^62: exactly.
  const spread =
    BigInt(squares) * BigInt(Math.trunc(2 ** 20 / count)) - BigInt(mean) * BigInt(mean);
  const variance = Number(BigInt.asIntN(32, spread / BigInt(2 ** 20)));
  const { multiplier, shift } = inverseSquareRoot(variance < 1 ? guard : variance);
  const last = { multiplier: factor.multiplier, shift: factor.shift + 12 };
  return x.map((value, k) => {
    const centered = scaled(1024 * value - mean, { multiplier, shift });
    const weighted = (Math.imul(centered, weights[k]!) + bias[k]!) | 0;
    const rounded = Math.trunc((weighted + (weighted > 0 ? 512 : -512)) / 1024);
    return limited(scaled(rounded, last));
  });
}

/** A gate within [0, 1): sums have three integer bits, the result none. */
export function sigmoidGate(gate: Gate, all: GateInputs, h: Int32Array, s: Int32Array): Int32Array {
  return sums(gate, all, h, s).map((sum) => logistic16(sum, 3));
}

/** The cell gate, within (−1, 1). */
export function tanhGate(gate: Gate, all: GateInputs, h: Int32Array, s: Int32Array): Int32Array {
  return sums(gate, all, h, s).map((sum) => tanh16(sum, 3));
}
