import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import { activationOf } from '../../ops/activation.ts';
import type { Parts } from './parts.ts';

/** Cells of TFLite's recurrent operators in ONNX's operators: one step. */

/** Makes nodes beside the one that is expanded, or in a body. Constants are always beside it. */
export interface Emit {
  readonly parts: Parts;
  op(op: string, inputs: readonly (Value | null)[], attributes?: Record<string, Attribute>): Value;
}

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });

/** x · wᵀ + c, with w a matrix. */
export function product(e: Emit, x: Value, w: Value, c: Value | null): Value {
  return e.op('Gemm', c === null ? [x, w] : [x, w, c], { transB: int(1) });
}

/** x within ±limit; 0 is no limit. */
export function limited(e: Emit, x: Value, limit: number): Value {
  if (!(limit > 0)) return x;
  const [low, high] = [e.parts.scalar(-limit, 'float32'), e.parts.scalar(limit, 'float32')];
  return e.op('Clip', [x, low, high]);
}

/** The function of the cell. */
export function activated(e: Emit, node: Node, x: Value): Value {
  const { kind, min, max } = activationOf(node);
  if (kind === 'none') return x;
  if (kind !== 'Clip') return e.op(kind, [x]);
  return e.op('Clip', [x, e.parts.scalar(min, 'float32'), e.parts.scalar(max, 'float32')]);
}

/** An LSTM's weights: those of a gate are in the order input (perhaps absent), forget, cell, output. */
export interface LstmWeights {
  readonly w: readonly (Value | null)[];
  readonly r: readonly (Value | null)[];
  readonly peepholes: readonly (Value | null)[];
  readonly bias: readonly (Value | null)[];
  readonly norm: readonly (Value | null)[];
  /** For an auxiliary input. */
  readonly extra: readonly (Value | null)[];
  readonly projection: Value | null;
  readonly projectionBias: Value | null;
}

/** @param extra  the input gate's weights for an auxiliary input, or null
 *  @param norm   layer normalization of the input gate, or null */
export function lstmWeights(
  p: Parts,
  first: number,
  extra: number | null,
  norm: number | null,
): LstmWeights {
  const four = (start: number | null): (Value | null)[] =>
    [0, 1, 2, 3].map((i) => (start === null ? null : p.maybe(start + i)));
  return {
    w: four(first),
    r: four(first + 4),
    peepholes: [p.maybe(first + 8), p.maybe(first + 9), null, p.maybe(first + 10)],
    bias: four(first + 11),
    norm: four(norm),
    extra: four(extra),
    projection: p.maybe(first + 15),
    projectionBias: p.maybe(first + 16),
  };
}

function gate(
  e: Emit,
  weights: LstmWeights,
  index: number,
  x: Value,
  extra: Value | null,
  h: Value,
  s: Value,
): Value {
  const { parts } = e;
  const [w, r] = [weights.w[index], weights.r[index]];
  if (w == null || r == null) return parts.stop('a gate without weights');
  const norm = weights.norm[index] ?? null;
  const bias = weights.bias[index] ?? null;
  let sum = product(e, x, w, norm === null ? bias : null);
  const more = weights.extra[index] ?? null;
  if (more !== null && extra !== null) sum = product(e, extra, more, sum);
  const isDiagonal = parts.attributes.int('diagonal_recurrent_tensors', 0) !== 0;
  sum = isDiagonal ? e.op('Add', [sum, e.op('Mul', [h, r])]) : product(e, h, r, sum);
  const peephole = weights.peepholes[index] ?? null;
  if (peephole !== null) sum = e.op('Add', [sum, e.op('Mul', [s, peephole])]);
  if (norm === null) return sum;
  return e.op('LayerNormalization', [sum, norm, bias], { epsilon: float(1e-8), axis: int(-1) });
}

/** One step of an LSTM: the next output state and cell state. */
export function lstmStep(
  e: Emit,
  weights: LstmWeights,
  x: Value,
  extra: Value | null,
  h: Value,
  s: Value,
): { h: Value; s: Value } {
  const { node, attributes } = e.parts;
  const sum = (index: number, state: Value): Value => gate(e, weights, index, x, extra, h, state);
  const f = e.op('Sigmoid', [sum(1, s)]);
  const i =
    weights.w[0] === null
      ? e.op('Sub', [e.parts.scalar(1, 'float32'), f])
      : e.op('Sigmoid', [sum(0, s)]);
  const g = activated(e, node, sum(2, s));
  const next = e.op('Add', [e.op('Mul', [f, s]), e.op('Mul', [i, g])]);
  const cell = limited(e, next, attributes.float('cell_clip'));
  const o = e.op('Sigmoid', [sum(3, cell)]);
  const y = e.op('Mul', [o, activated(e, node, cell)]);
  if (weights.projection === null) return { h: y, s: cell };
  const projected = product(e, y, weights.projection, weights.projectionBias);
  return { h: limited(e, projected, attributes.float('proj_clip')), s: cell };
}

/** A plain recurrent cell's weights. */
export interface RnnWeights {
  readonly w: Value;
  readonly r: Value;
  readonly bias: Value;
  readonly extra: Value | null;
}

/** One step of a plain recurrent cell: the next state, which is its output. */
export function rnnStep(
  e: Emit,
  { w, r, bias, extra: more }: RnnWeights,
  x: Value,
  extra: Value | null,
  h: Value,
): Value {
  let sum = product(e, h, r, product(e, x, w, bias));
  if (more !== null && extra !== null) sum = product(e, extra, more, sum);
  return activated(e, e.parts.node, sum);
}
