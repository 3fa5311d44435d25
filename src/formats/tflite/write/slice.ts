import { isStatic } from '../../../core/shape.ts';
import { asInt32, binary, cast, concat, reduce, reshape, slice } from './blocks.ts';
import { type Emitter, knownRank, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';

/** ONNX's starts, ends and steps over some axes, all constants: STRIDED_SLICE with masks for whole axes. */
const sliced: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const rank = knownRank(e, x);
  const starts = e.numbers(1);
  const ends = e.numbers(2);
  const axes = e.has(3) ? e.numbers(3) : starts?.map((_, index) => index);
  const steps = e.has(4) ? e.numbers(4) : starts?.map(() => 1);
  if (starts === null || ends === null || axes == null || steps == null)
    return computedSlice(e, x, out);
  const begin = new Array<number>(rank).fill(0);
  const end = new Array<number>(rank).fill(0);
  const stride = new Array<number>(rank).fill(1);
  let [beginMask, endMask] = [(1 << rank) - 1, (1 << rank) - 1];
  axes.forEach((given, index) => {
    const axis = given < 0 ? given + rank : given;
    const step = Math.max(Math.min(steps[index]!, 2 ** 31 - 1), -(2 ** 31 - 1));
    stride[axis] = step;
    const size = x.shape![axis];
    const range = typeof size === 'number' ? known(starts[index]!, ends[index]!, step, size) : null;
    if (range === null && typeof size !== 'number') {
      const [from, to] = [starts[index]!, ends[index]!];
      if (!(step > 0 ? from === 0 : from >= 2 ** 31 - 1 || from === -1)) {
        begin[axis] = clamp(from);
        beginMask &= ~(1 << axis);
      }
      if (!(step > 0 ? to >= 2 ** 31 - 1 : to < -(2 ** 31 - 2))) {
        end[axis] = clamp(to);
        endMask &= ~(1 << axis);
      }
      return;
    }
    begin[axis] = range!.begin;
    beginMask &= ~(1 << axis);
    if (range!.end !== null) {
      end[axis] = range!.end;
      endMask &= ~(1 << axis);
    }
  });
  stridedSlice(e, x, { begin, end, stride, beginMask, endMask }, out);
};

function clamp(x: number): number {
  return Math.max(Math.min(x, 2 ** 31 - 1), -(2 ** 31));
}

/** ONNX's clamping, done here; `end` null: up to the very first element, going down. */
function known(
  start: number,
  end: number,
  step: number,
  size: number,
): { begin: number; end: number | null } {
  const within = (at: number, low: number, high: number): number =>
    Math.min(Math.max(at < 0 ? at + size : at, low), high);
  if (step > 0) {
    const begin = within(start, 0, size);
    return { begin, end: Math.max(within(end, 0, size), begin) };
  }
  const begin = within(start, 0, size - 1);
  const stop = within(end, -1, size - 1);
  return { begin, end: stop < 0 ? null : Math.min(stop, begin) };
}

interface Strided {
  begin: number[];
  end: number[];
  stride: number[];
  beginMask: number;
  endMask: number;
}

/** The kernel has 5 axes: whole ones in front are folded into one. */
function stridedSlice(e: Emitter, x: Operand, s: Strided, out: Operand): void {
  const rank = s.begin.length;
  const value = { beginMask: s.beginMask, endMask: s.endMask };
  const isPlain = s.stride.every((step) => step === 1) && isStatic(x.shape) && isStatic(out.shape);
  if (isPlain && rank <= 5) {
    const begin = s.begin.map((at, axis) => (s.beginMask & (1 << axis) ? 0 : at));
    slice(e, x, begin, out.shape as number[], out);
    return;
  }
  if (rank > 5) {
    // One axis at a time, as [before, axis, after].
    let now = x;
    const sizes = [...knownSizes(e, x)];
    const target = knownSizes(e, out);
    const changed = sizes
      .map((_, axis) => axis)
      .filter((axis) => sizes[axis] !== target[axis] || s.stride[axis] !== 1);
    for (const axis of changed) {
      const outer = sizes.slice(0, axis).reduce((a, b) => a * b, 1);
      const inner = sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
      const flat = reshape(e, now, [outer, sizes[axis]!, inner]);
      const part = e.temp(x.dtype, [outer, target[axis]!, inner]);
      const bit = (mask: number): number => 5 | ((mask >> axis) & 1 ? 2 : 0);
      const options = { beginMask: bit(s.beginMask), endMask: bit(s.endMask) };
      const lists = [s.begin, s.end, s.stride].map((list, i) =>
        e.ints([i === 2 ? 1 : 0, list[axis]!, i === 2 ? 1 : 0]),
      );
      e.op('STRIDED_SLICE', [flat, ...lists], [part], {
        type: 'StridedSliceOptions',
        value: options,
      });
      sizes[axis] = target[axis]!;
      now = part;
    }
    reshape(e, now, target, out);
    return;
  }
  const inputs = [x, e.ints(s.begin), e.ints(s.end), e.ints(s.stride)];
  e.op('STRIDED_SLICE', inputs, [out], { type: 'StridedSliceOptions', value });
}

/** Places that are computed: spread over all axes first, clamped to what int32 holds. */
function computedSlice(e: Emitter, x: Operand, out: Operand): void {
  const rank = knownRank(e, x);
  if (rank > 5) throw e.fail('RANK', `a slice at computed places of rank ${rank}`);
  const count = e.in(1).shape?.[0];
  if (typeof count !== 'number') throw e.fail('AXES', 'nobody knows how many axes are sliced');
  const axes = axesOf(e, e.has(3) ? 3 : null, count, rank);
  const steps = e.has(4) ? small(e, e.in(4)) : e.ints(new Array<number>(count).fill(1));
  const [begin, end] = [small(e, e.in(1)), small(e, e.in(2))];
  const inputs = [
    x,
    spread(e, begin, axes, rank, 0),
    spread(e, end, axes, rank, 2 ** 31 - 1),
    spread(e, steps, axes, rank, 1),
  ];
  const masks = { beginMask: 0, endMask: 0 };
  e.op('STRIDED_SLICE', inputs, [out], { type: 'StridedSliceOptions', value: masks });
}

/** Axes that an input names, or all from the first on; numbers where they are known. */
export function axesOf(
  e: Emitter,
  input: number | null,
  count: number,
  rank: number,
): readonly number[] | Operand {
  if (input === null) return Array.from({ length: count }, (_, axis) => axis);
  return (
    e.numbers(input)?.map((axis) => (axis < 0 ? axis + rank : axis)) ?? asInt32(e, e.in(input))
  );
}

/** A list for all axes of one for some.
 *  @param otherwise  for the axes that are not named */
export function spread(
  e: Emitter,
  list: Operand,
  axes: readonly number[] | Operand,
  rank: number,
  otherwise: number,
): Operand {
  if (Array.isArray(axes)) {
    const parts = Array.from({ length: rank }, (_, axis) => {
      const at = axes.indexOf(axis);
      return at < 0 ? e.ints([otherwise]) : slice(e, list, [at], [1]);
    });
    return parts.length === 1 ? parts[0]! : concat(e, parts, 0);
  }
  // One row for each named axis, with a 1 where it is.
  const count = Number(list.shape![0]);
  const named = reshape(e, axes as Operand, [count, 1]);
  const flags = [0, -rank].map((shift) =>
    binary(
      e,
      'EQUAL',
      named,
      e.ints(
        Array.from({ length: rank }, (_, axis) => axis + shift),
        [1, rank],
      ),
      undefined,
      undefined,
      'bool',
    ),
  ) as [Operand, Operand];
  const flag = binary(e, 'LOGICAL_OR', flags[0], flags[1], undefined, undefined, 'bool');
  const hot = cast(e, flag, 'int32');
  const moved = binary(e, 'SUB', reshape(e, list, [count, 1]), e.scalar(otherwise, 'int32'));
  const sum = reduce(e, 'SUM', binary(e, 'MUL', hot, moved), [0], false);
  return binary(e, 'ADD', sum, e.scalar(otherwise, 'int32'));
}

function small(e: Emitter, given: Operand): Operand {
  return given.constant === null ? clampedCast(e, given) : asInt32(e, given);
}

function clampedCast(e: Emitter, x: Operand): Operand {
  if (x.dtype !== 'int64') return asInt32(e, x);
  const top = binary(e, 'MINIMUM', x, e.scalar(2 ** 31 - 1, 'int64'));
  return cast(e, binary(e, 'MAXIMUM', top, e.scalar(-(2 ** 31), 'int64')), 'int32');
}

export const sliceRows: Readonly<Record<string, Row>> = { Slice: sliced };
