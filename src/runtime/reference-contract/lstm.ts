import type { LowerContext } from '../lower/lowering.ts';
import { floatsOf } from './attributes.ts';
import { tanh16 } from './fixed-point.ts';
import { type Gate, type GateInputs, gateOf, sigmoidGate, tanhGate } from './lstm-gate.ts';
import { type Multiplier, multiplierOf, roundingShift, scaled } from './multiplier.ts';
import { type Levels, type Meaning, meaningOf, type Run, type StoredKernel } from './stored.ts';

/** LSTM with int8 input, output and weights, gates in int16 and a cell state of int16 whose scale is a power of two.
 *  TFLite computes it in one way only. */

const { fround } = Math;

/** Exponent of a scale that is a power of two, as near as TFLite wants it; null for another. */
export function exponentOf(scale: number): number | null {
  for (let exponent = -15; exponent <= -9; exponent++) {
    if (Math.abs(scale / 2 ** exponent - 1) < 6e-4) return exponent;
  }
  return null;
}

/** What one step needs of the node. */
interface Layer {
  readonly inner: number;
  readonly cells: number;
  readonly outputs: number;
  /** Input (null: 1 − forget), forget, cell, output. */
  readonly gates: readonly (Gate | null)[];
  readonly exponent: number;
  readonly cellClip: number;
  readonly hidden: Multiplier;
  readonly hiddenZero: number;
  readonly projection: Projection | null;
  readonly state: Meaning;
}

interface Projection {
  readonly factor: Multiplier;
  readonly clip: number;
}

const limited = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

function layerOf(c: LowerContext): Layer | null {
  const at = (input: number): Meaning | null => meaningOf(c.inputs[input]);
  const [x, h, s] = [at(0), at(18), at(19)];
  const y = meaningOf(c.outputs[0] ?? c.outputs[1]);
  if (x?.storage !== 'int8' || h?.storage !== 'int8' || s?.storage !== 'int16') return null;
  if (y?.storage !== 'int8' || c.attributes.string('activation', 'none') !== 'Tanh') return null;
  const exponent = exponentOf(s.scale);
  const scales = floatsOf(c, 'intermediate_scales');
  const zeros = c.attributes.ints('intermediate_zero_points');
  if (exponent === null || scales?.length !== 5 || !(scales[4]! > 0)) return null;
  const hasNorm = c.inputs[23] != null;
  const gates: (Gate | null)[] = [];
  for (let gate = 0; gate < 4; gate++) {
    const scale = hasNorm ? scales[gate]! : 2 ** -12;
    const made = gateOf(c, gate, x, h, exponent, scale, hasNorm);
    if (made === undefined) return null;
    gates.push(made);
  }
  if (gates.slice(1).some((gate) => gate === null)) return null;
  const hiddenScale = fround(scales[4]!);
  const p = at(16);
  if (c.inputs[16] != null && p?.storage !== 'int8') return null;
  const clip = (limit: number, scale: number, most: number): number =>
    limit > 0 ? Math.trunc(Math.min(fround(limit / scale), most)) : 0;
  return {
    inner: c.inputs[0]!.dims.at(-1)!,
    cells: c.inputs[4]!.dims[0]!,
    outputs: c.inputs[8]!.dims[1]!,
    gates,
    exponent,
    cellClip: clip(c.attributes.float('cell_clip'), s.scale, 32767),
    hidden: multiplierOf(fround((2 ** -15 / hiddenScale) * 2 ** -15)),
    hiddenZero: zeros?.[4] ?? 0,
    projection:
      p === null
        ? null
        : {
            factor: multiplierOf(fround(fround(p.scale * hiddenScale) / h.scale)),
            clip: clip(c.attributes.float('proj_clip'), y.scale, 127),
          },
    state: h,
  };
}

/** One step for one item: h and s are changed. */
function step(layer: Layer, all: GateInputs, h: Int32Array, s: Int32Array): void {
  const { cells, outputs, gates, exponent, cellClip, projection, state } = layer;
  const [input, forget, cell, output] = gates;
  const i = input === null ? null : sigmoidGate(input!, all, h, s);
  const f = sigmoidGate(forget!, all, h, s);
  const g = tanhGate(cell!, all, h, s);
  for (let k = 0; k < cells; k++) {
    const kept = roundingShift(f[k]! * s[k]!, 15);
    const gain = i === null ? 32767 - f[k]! : i[k]!;
    const sum = limited(kept + roundingShift(gain * g[k]!, 30 + exponent), -32768, 32767);
    s[k] = cellClip > 0 ? limited(sum, -cellClip, cellClip) : sum;
  }
  const o = sigmoidGate(output!, all, h, s);
  const levels = new Int32Array(cells);
  const offset = projection === null ? layer.hiddenZero : -layer.hiddenZero;
  for (let k = 0; k < cells; k++) {
    const product = o[k]! * tanh16(s[k]!, 15 + exponent);
    levels[k] = limited(scaled(product, layer.hidden) + offset, -128, 127);
  }
  if (projection === null) {
    h.set(levels);
    return;
  }
  const [weights, bias] = [all.constants[16]!, all.constants[17]];
  for (let row = 0; row < outputs; row++) {
    let sum = bias == null ? 0 : bias[row]!;
    for (let k = 0; k < cells; k++)
      sum += weights[row * cells + k]! * (levels[k]! + layer.hiddenZero);
    const level = limited(scaled(sum | 0, projection.factor) + state.zero, -128, 127);
    h[row] = projection.clip > 0 ? limited(level, -projection.clip, projection.clip) : level;
  }
}

function prepare(c: LowerContext): Run | null {
  if (c.attributes.int('diagonal_recurrent_tensors', 0) !== 0) return null;
  const layer = layerOf(c);
  if (layer === null) return null;
  const { dims } = c.inputs[0]!;
  const isMajor = dims.length === 2 || c.attributes.int('time_major', 0) !== 0;
  const [p, q] = dims.length === 2 ? [1, dims[0]!] : [dims[0]!, dims[1]!];
  const [batch, steps] = isMajor ? [q, p] : [p, q];
  const { inner, cells, outputs } = layer;
  return (inputs, [y, lastH, lastS]) => {
    const x = inputs[0]!;
    const h = Int32Array.from(inputs[18]!);
    const s = Int32Array.from(inputs[19]!);
    const items = isMajor ? batch : 1;
    for (let n = 0; n < batch; n++) {
      const item = isMajor ? n : 0;
      const own = h.subarray(n * outputs, (n + 1) * outputs);
      const cell = s.subarray(n * cells, (n + 1) * cells);
      for (let t = 0; t < steps; t++) {
        const row = isMajor ? t * batch + n : n * steps + t;
        const part: Levels = x.subarray(row * inner, (row + 1) * inner);
        step(layer, { x: part, item, items, constants: inputs }, own, cell);
        y?.set(own, row * outputs);
      }
    }
    lastH?.set(h);
    lastS?.set(s);
  };
}

export const lstmKernels: readonly StoredKernel[] = ['UnidirectionalSequenceLSTM', 'LSTM'].map(
  (op) => ({ op, domain: 'mp', prepare }),
);
