import type { Value } from '../../ir/graph.ts';
import type { Quantization } from '../../ir/types.ts';
import { saidQuantization, sameWhole } from '../../passes/quantization-of.ts';
import type { Parts } from '../sensitivity/parts.ts';
import { type Grid, gridOf } from '../sensitivity/rounding.ts';
import { isRounded } from '../sensitivity/sites.ts';
import type { LayerPair, Pairs } from './pair.ts';
import { realNumbers } from './reals.ts';

/** Where numbers change on the way through a quantized model, in the order in which the model computes. */
export interface Place {
  /** Value of the reference, in parts. */
  readonly name: string;
  /** The product that makes it; null for other values. */
  readonly pair: LayerPair | null;
  /** What its weights change by; null where they are the same. */
  readonly weights: Float32Array | null;
  /** What its bias changes by, one number for each output. */
  readonly bias: Float32Array | null;
  readonly grid: Grid | null;
  /** The value in the other model, and what it is there once it is rounded. */
  readonly other: Value | null;
  readonly rounded: Value | null;
}

/** Places that change anything. */
export async function placesOf(reference: Parts, { layers, values }: Pairs): Promise<Place[]> {
  const byNode = new Map([...layers.values()].map((pair) => [pair.reference.node, pair]));
  const { graph } = reference.model;
  const places: Place[] = [];
  for (const value of [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)]) {
    const other = values.get(value) ?? null;
    const pair =
      value.producer === null || value !== value.producer.outputs[0]
        ? null
        : (byNode.get(value.producer) ?? null);
    const weights = pair === null ? null : difference(pair.before, pair.after);
    const bias = pair === null ? null : await biasChange(pair);
    const grid = other === null ? null : gridAt(other);
    if (weights === null && bias === null && grid === null) continue;
    const rounded = grid === null || other === null ? null : roundedAt(other);
    places.push({ name: value.name, pair, weights, bias, grid, other, rounded });
  }
  return places;
}

/** Levels of a computed value, unless it has them from what it is made of. */
function gridAt(value: Value): Grid | null {
  const quantization = quantizationAt(value);
  if (quantization === null || quantization.scale.length !== 1) return null;
  const isSame = (from: Value): boolean => sameWhole(quantizationAt(from), quantization);
  return isRounded(value, isSame) ? null : gridOfQuantization(quantization);
}

/** What a computed value is quantized to: attached to it, or by the QuantizeLinear that is all that reads it. */
export function quantizationAt({ quantization, constant, uses }: Value): Quantization | null {
  if (quantization !== null || constant !== null) return constant === null ? quantization : null;
  let found: Quantization | null = null;
  for (const { user } of uses) {
    if (!('op' in user) || user.op !== 'QuantizeLinear') return null;
    found ??= saidQuantization(user);
  }
  return found;
}

/** The value behind the DequantizeLinear, where there are nodes. */
function roundedAt(value: Value): Value | null {
  if (value.quantization !== null) return value;
  for (const { user } of value.uses) {
    const stored = 'op' in user ? user.outputs[0] : undefined;
    for (const { user: reader } of stored?.uses ?? [])
      if ('op' in reader && reader.op === 'DequantizeLinear') return reader.outputs[0]!;
  }
  return null;
}

/** The levels of a quantization with one scale of at most 16 bits; null of another. */
export function gridOfQuantization({ storage, scale, zeroPoint }: Quantization): Grid | null {
  const isNarrow = /^u?int(4|8|16)$/.test(storage);
  if (!isNarrow || scale.length !== 1) return null;
  return gridOf(storage, scale[0]!, zeroPoint?.[0] ?? 0);
}

async function biasChange({ reference, other }: LayerPair): Promise<Float32Array | null> {
  const [before, after] = [await realNumbers(reference.bias), await realNumbers(other.bias)];
  if (before === null || after === null || before.length !== after.length) return null;
  return difference(before, after);
}

function difference(before: Float32Array, after: Float32Array): Float32Array | null {
  const changed = before.some((x, i) => x !== after[i]);
  return changed ? before.map((x, i) => after[i]! - x) : null;
}
