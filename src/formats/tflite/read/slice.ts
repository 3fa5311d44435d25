import type { Value } from '../../../ir/graph.ts';
import type { OperatorReader, Row } from './operator.ts';
import { rankOf } from './values.ts';

const most = 2 ** 31 - 1;
const least = -(2 ** 31);

/** A size of −1 is the rest. */
function slice(o: OperatorReader): void {
  const [begin, size] = [o.numbers(1), o.numbers(2)];
  if (begin !== null && size !== null) {
    const ends = begin.map((from, i) => (size[i] === -1 ? most : from + size[i]!));
    o.give('Slice', [o.input(0), o.ints('starts', begin), o.ints('ends', ends)]);
    return;
  }
  const [starts, sizes] = [o.indices(1), o.indices(2)];
  const isRest = o.add('Equal', [sizes, o.ints('open', [-1])]);
  const ends = o.add('Where', [isRest, o.ints('most', [most]), o.add('Add', [starts, sizes])]);
  o.give('Slice', [o.input(0), starts, ends]);
}

/** What one entry of the lists of STRIDED_SLICE does, with the axis of the input that it is about. */
type Entry =
  | { kind: 'new' }
  | { kind: 'all'; count: number }
  | { kind: 'one' | 'range'; at: number; axis: number };

function entriesOf(o: OperatorReader, count: number, rank: number): Entry[] {
  const { ellipsisMask, newAxisMask, shrinkAxisMask } = o.options('StridedSliceOptions');
  const has = (mask: number, i: number): boolean => ((mask >> i) & 1) === 1;
  const isEllipsis = (i: number): boolean => has(ellipsisMask, i);
  const indices = Array.from({ length: count }, (_, i) => i);
  const taking = indices.filter((i) => !isEllipsis(i) && !has(newAxisMask, i)).length;
  const entries: Entry[] = [];
  let axis = 0;
  for (const i of indices) {
    if (isEllipsis(i)) {
      entries.push({ kind: 'all', count: rank - taking });
      axis += rank - taking;
    } else if (has(newAxisMask, i)) entries.push({ kind: 'new' });
    else entries.push({ kind: has(shrinkAxisMask, i) ? 'one' : 'range', at: i, axis: axis++ });
  }
  if (axis > rank) throw o.unsupported(`${taking} slices of a tensor with ${rank} axes`);
  return entries;
}

/** Slice, then axes that a single index removes, then new axes. */
function stridedSlice(o: OperatorReader): void {
  const { ellipsisMask, newAxisMask } = o.options('StridedSliceOptions');
  const count = o.numbers(1)?.length ?? o.shape(1)?.[0];
  if (typeof count !== 'number' || count > 64) throw o.unsupported('a list of unknown length');
  const x = o.input(0);
  // Without masks that shift axes, the rank does not matter.
  const rank = ellipsisMask === 0 && newAxisMask === 0 ? count : rankOf(o, x);
  const entries = entriesOf(o, count, Math.max(rank, count));
  const taken = entries.flatMap((entry) => (isTaken(entry) ? [entry] : []));
  const squeezed = taken.flatMap(({ kind, axis }) => (kind === 'one' ? [axis] : []));
  const added = addedAxes(entries);
  const steps: ((value: Value, isLast: boolean) => Value)[] = [];
  const step = (op: string, more: () => readonly Value[]): void => {
    steps.push((value, isLast) => {
      const inputs = [value, ...more()];
      if (!isLast) return o.add(op, inputs);
      o.give(op, inputs);
      return value;
    });
  };
  if (taken.length > 0) step('Slice', () => ranges(o, taken));
  if (squeezed.length > 0) step('Squeeze', () => [o.ints('squeezed', squeezed)]);
  if (added.length > 0) step('Unsqueeze', () => [o.ints('added', added)]);
  if (steps.length === 0) step('Identity', () => []);
  let value = x;
  steps.forEach((each, i) => {
    value = each(value, i === steps.length - 1);
  });
}

/** Axes of the result that are new. */
function addedAxes(entries: readonly Entry[]): number[] {
  const added: number[] = [];
  let out = 0;
  for (const entry of entries) {
    if (entry.kind === 'new') added.push(out++);
    else if (entry.kind === 'all') out += entry.count;
    else if (entry.kind === 'range') out++;
  }
  return added;
}

type Taken = Extract<Entry, { axis: number }>;

function isTaken(entry: Entry): entry is Taken {
  return entry.kind === 'one' || entry.kind === 'range';
}

function ranges(o: OperatorReader, taken: readonly Taken[]): Value[] {
  const options = o.options('StridedSliceOptions');
  const isOpen = (mask: number, { at }: Taken): boolean => ((mask >> at) & 1) === 1;
  const strides = o.known(3);
  const steps = taken.map((entry) => (entry.kind === 'one' ? 1 : strides[entry.at]!));
  const list = (name: string, values: readonly number[]): Value => o.ints(name, values);
  const axes = list(
    'axes',
    taken.map(({ axis }) => axis),
  );
  const [begin, end] = [o.numbers(1), o.numbers(2)];
  const openStart = (i: number): boolean =>
    taken[i]!.kind === 'range' && isOpen(options.beginMask, taken[i]!);
  const openEnd = (i: number): boolean =>
    taken[i]!.kind === 'range' && isOpen(options.endMask, taken[i]!);
  const first = steps.map((size) => (size > 0 ? 0 : most));
  const past = steps.map((size) => (size > 0 ? most : least));
  const start = (i: number): number => (openStart(i) ? first[i]! : begin![taken[i]!.at]!);
  const stop = (i: number): number => {
    const from = start(i);
    if (taken[i]!.kind === 'one') return from === -1 ? most : from + 1;
    if (openEnd(i)) return past[i]!;
    const said = end![taken[i]!.at]!;
    return options.offset ? from + said : said;
  };
  const indices = [...taken.keys()];
  const needsEnd = indices.some((i) => taken[i]!.kind === 'range' && !openEnd(i));
  if (begin !== null && (end !== null || !needsEnd)) {
    const known = [list('starts', indices.map(start)), list('ends', indices.map(stop))];
    return [...known, axes, list('steps', steps)];
  }
  const places = list(
    'places',
    taken.map(({ at }) => at),
  );
  const chosen = (index: number): Value => o.add('Gather', [o.indices(index), places], { axis: 0 });
  const either = (isFirst: (i: number) => boolean, a: Value, b: Value): Value =>
    indices.some(isFirst) ? o.add('Where', [o.flags('open', indices.map(isFirst)), a, b]) : b;
  const starts = either(openStart, list('first', first), chosen(1));
  let ends = either(openEnd, list('past', past), chosen(2));
  if (options.offset) ends = either(openEnd, ends, o.add('Add', [starts, ends]));
  const isOne = (i: number): boolean => taken[i]!.kind === 'one';
  if (indices.some(isOne)) {
    const isLast = o.add('Equal', [starts, list('last', [-1])]);
    const after = o.add('Add', [starts, list('one', [1])]);
    ends = either(isOne, o.add('Where', [isLast, list('most', [most]), after]), ends);
  }
  return [starts, ends, axes, list('steps', steps)];
}

export const sliceRows: Readonly<Record<string, Row>> = {
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
};
