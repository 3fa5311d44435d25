import { dtypes } from '../core/dtype.ts';
import { UnsupportedError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { clone } from '../ir/clone.ts';
import { Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Quantization, shapeOf } from '../ir/types.ts';
import { dequantize } from '../kernels/dequantize.ts';
import { transpose } from '../kernels/move.ts';
import { quantize } from '../kernels/quantize.ts';
import { ops } from '../ops/index.ts';
import { imageLayouts, type Layout } from '../passes/layout.ts';
import { saidQuantization } from '../passes/quantization-of.ts';
import { inferShapes } from '../passes/shapes.ts';
import { numbersOf, tensorOf } from './generic/elements.ts';
import type { Feeds } from './runner.ts';

/** How inputs and outputs of one model are those of another, which may have other names for them, channels elsewhere and
 *  other integers. */
export interface Between {
  /** The other model's feeds for feeds of the reference. */
  feeds(feeds: Feeds): Feeds;
  /** The other model's outputs as the reference has them. */
  outputs(outputs: Record<string, Tensor>): Record<string, Tensor>;
}

/** Axis i of the result is axis perm[i]; null: as it is. */
type Turn = readonly number[] | null;

/** Inputs and outputs belong together by name, what is left in order.
 *  Images are recognized by the operators that see them; linear in the size of both models. */
export function between(reference: Model, other: Model): Between {
  const a = boundaryOf(reference);
  const b = boundaryOf(other);
  const inputs = paired(a.inputs, b.inputs).map(([from, to]) => ({
    from: from.name,
    to: to.name,
    type: to.type?.kind === 'tensor' ? to.type.dtype : null,
    turn: turnBetween(from, to, a.layouts, b.layouts),
    levels: levelsOfInput(to),
  }));
  const outputs = paired(a.outputs, b.outputs).map(([to, from]) => ({
    from: from.name,
    to: to.name,
    type: to.type?.kind === 'tensor' ? to.type.dtype : null,
    turn: turnBetween(from, to, b.layouts, a.layouts),
    levels: levelsOfOutput(from),
  }));
  const move = (
    pairs: typeof inputs,
    tensors: Readonly<Record<string, Tensor>>,
  ): Record<string, Tensor> => {
    const result: Record<string, Tensor> = {};
    for (const { from, to, type, turn, levels } of pairs) {
      const tensor = tensors[from];
      if (tensor === undefined) continue;
      const moved = turned(tensor, turn);
      const wanted = type ?? tensor.type;
      result[to] = (levels && inLevels(moved, wanted, levels)) ?? cast(moved, wanted, to);
    }
    return result;
  };
  return {
    feeds: (feeds) => move(inputs, feeds),
    outputs: (results) => move(outputs, results),
  };
}

/** What the integers of an input stand for, where all readers say the same. */
function levelsOfInput({ uses }: Value): Quantization | null {
  const readers = [...uses].map(({ user }) => (user instanceof Node ? user : null));
  const [first = null] = readers;
  if (readers.length !== 1 || first?.op !== 'DequantizeLinear') return null;
  return saidQuantization(first);
}

function levelsOfOutput({ producer }: Value): Quantization | null {
  return producer?.op === 'QuantizeLinear' ? saidQuantization(producer) : null;
}

/** Real numbers as a model's integers, or its integers as real numbers; null for other types. */
function inLevels(
  { type: from, data, dims }: Tensor,
  type: Tensor['type'],
  { storage, scale, zeroPoint, axis }: Quantization,
): Tensor | null {
  if (axis !== null || Array.isArray(data) || data instanceof BigInt64Array) return null;
  const options = { scale: scale[0]!, zeroPoint: zeroPoint?.[0] ?? 0 };
  if (storage !== 'int8' && storage !== 'uint8') return null;
  if (data instanceof Float32Array && from === 'float32' && type === storage)
    return new Tensor(type, quantize(data, { ...options, type: storage }), dims);
  if (from !== storage || type !== 'float32') return null;
  const stored = data as Int8Array | Uint8Array;
  return new Tensor(type, dequantize(stored, { ...options, type: storage }), dims);
}

interface Boundary {
  inputs: readonly Value[];
  outputs: readonly Value[];
  layouts: ReadonlyMap<Value, Layout>;
}

function boundaryOf(model: Model): Boundary {
  const copy = clone(model);
  inferShapes(copy, ops);
  const states = new Set(copy.states.flatMap(({ input, output }) => [input, output]));
  const isOwn = ({ name, constant }: Value): boolean => constant === null && !states.has(name);
  return {
    inputs: copy.graph.inputs.filter(isOwn),
    outputs: copy.graph.outputs.filter(({ name }) => !states.has(name)),
    layouts: imageLayouts(copy),
  };
}

function paired(a: readonly Value[], b: readonly Value[]): [Value, Value][] {
  const byName = new Map(b.map((value) => [value.name, value]));
  const names = new Set(a.map(({ name }) => name));
  const rest = b.filter(({ name }) => !names.has(name));
  return a.flatMap((value): [Value, Value][] => {
    const other = byName.get(value.name) ?? rest.shift();
    return other === undefined ? [] : [[value, other]];
  });
}

/** How a value's axes change places between two models: what is known of their images decides, then their sizes. */
export function turnBetween(
  from: Value,
  to: Value,
  fromLayouts: ReadonlyMap<Value, Layout>,
  toLayouts: ReadonlyMap<Value, Layout>,
): Turn {
  const [x, y] = [shapeOf(from.type), shapeOf(to.type)];
  if (x === null || y === null || x.length !== y.length || x.length < 3 || x.length > 5)
    return null;
  const [before, after] = [fromLayouts.get(from), toLayouts.get(to)];
  const turns = turnsOf(x.length);
  if (before !== undefined && after !== undefined) {
    const turn = before === after ? null : turns[after];
    if (fits(x, y, turn)) return turn;
  }
  if (fits(x, y, null)) return null;
  return [turns.last, turns.first].find((turn) => fits(x, y, turn)) ?? null;
}

/** The permutations that bring images of a rank into each layout. */
export function turnsOf(rank: number): Record<Layout, readonly number[]> {
  const space = Array.from({ length: rank - 2 }, (_, i) => i);
  return {
    last: [0, ...space.map((i) => i + 2), 1],
    first: [0, rank - 1, ...space.map((i) => i + 1)],
  };
}

/** Whether sizes can be those of the other after its axes changed places; what is not known fits. */
export function fits(x: NonNullable<Shape>, y: NonNullable<Shape>, turn: Turn): boolean {
  return (
    x.length === y.length &&
    y.every((size, axis) => {
      const other = x[turn === null ? axis : turn[axis]!];
      return typeof size !== 'number' || typeof other !== 'number' || size === other;
    })
  );
}

/** A tensor with its axes in another order. */
export function turned(tensor: Tensor, turn: Turn): Tensor {
  if (turn === null || turn.length !== tensor.dims.length || Array.isArray(tensor.data))
    return tensor;
  if (dtypes[tensor.type].bits < 8 || dtypes[tensor.type].lanes !== 1) return tensor;
  const dims = turn.map((axis) => tensor.dims[axis]!);
  return new Tensor(tensor.type, transpose(tensor.data, tensor.dims, turn), dims);
}

/** Integers of 8 bits change their sign by 128: they are levels of the same numbers. */
function cast(tensor: Tensor, type: Tensor['type'], name: string): Tensor {
  if (tensor.type === type || Array.isArray(tensor.data)) return tensor;
  const [from, to] = [dtypes[tensor.type], dtypes[type]];
  const isNumber = (kind: string): boolean => kind === 'float' || kind === 'int' || kind === 'uint';
  if (!isNumber(from.kind) || !isNumber(to.kind)) {
    throw new UnsupportedError(`${tensor.type} in one model, ${type} in the other`, {
      code: 'E_COMPARE_TYPE',
      where: `"${name}"`,
    });
  }
  const shift =
    from.bits === 8 && to.bits === 8 && from.kind !== to.kind
      ? to.kind === 'int'
        ? -128
        : 128
      : 0;
  return tensorOf(
    type,
    numbersOf(tensor).map((x) => x + shift),
    tensor.dims,
  );
}
