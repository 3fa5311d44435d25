import { volume } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import {
  bigintsOf,
  isWide,
  itemsOf,
  lanesOf,
  largerBigint,
  numbersOf,
  smallerBigint,
  tensorOf,
  tensorOfBigints,
  tensorOfIntegers,
  tensorOfItems,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { elementOffsets, rowOffsets, taken } from './gather.ts';
import { aroundAxis, indexAt } from './indexing.ts';
import { axisIn, invalid, optionalIntegersAt, tensorAt, unsupported } from './operands.ts';

type Combine<T> = (old: T, update: T) => T;

const onNumbers: Readonly<Record<string, Combine<number>>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};
const onBigints: Readonly<Record<string, Combine<bigint>>> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: largerBigint,
  min: smallerBigint,
};

/** A copy of `x` with updates put at, or combined with, the elements at `offsets`, in order. */
function put(c: EvaluateContext, x: Tensor, offsets: Float64Array, updates: Tensor): Tensor {
  const reduction = c.attributes.string('reduction', 'none');
  if (updates.size !== offsets.length)
    throw invalid(c, 'E_SHAPE_MISMATCH', `${updates.size} updates for ${offsets.length} places`);
  if (reduction === 'none') {
    const lanes = lanesOf(x.type);
    const items = itemsOf(x).slice() as unknown[];
    const from = itemsOf(updates) as unknown[];
    offsets.forEach((at, i) => {
      for (let lane = 0; lane < lanes; lane++) items[at * lanes + lane] = from[i * lanes + lane];
    });
    return tensorOfItems(x.type, items as string[], x.dims);
  }
  if (x.type === 'string' || lanesOf(x.type) > 1)
    throw unsupported(c, `reduction ${reduction} of ${x.type}`);
  if (isWide(x.type)) {
    const values = bigintsOf(x);
    const given = bigintsOf(updates);
    offsets.forEach((at, i) => {
      values[at] = onBigints[reduction]!(values[at]!, given[i]!);
    });
    return tensorOfBigints(x.type, values, x.dims);
  }
  const values = numbersOf(x).slice();
  const given = numbersOf(updates);
  offsets.forEach((at, i) => {
    values[at] = onNumbers[reduction]!(values[at]!, given[i]!);
  });
  return tensorOf(x.type, values, x.dims);
}

function scatterElements(c: EvaluateContext): Tensor[] {
  const [x, indices, updates] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  return [put(c, x, elementOffsets(c, x, indices, axis), updates)];
}

function scatterND(c: EvaluateContext): Tensor[] {
  const [x, indices, updates] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const { starts, slice } = rowOffsets(c, x.dims, indices);
  const size = volume(slice);
  const offsets = new Float64Array(starts.length * size).map(
    (_, i) => starts[Math.floor(i / size)]! + (i % size),
  );
  return [put(c, x, offsets, updates)];
}

/** A cache with new positions written along an axis, for each batch from its own index on. */
function tensorScatter(c: EvaluateContext): Tensor[] {
  const [cache, update] = [tensorAt(c, 0), tensorAt(c, 1)];
  const axis = axisIn(c, c.attributes.int('axis'), cache.dims.length);
  const writes = optionalIntegersAt(c, 2) ?? [];
  const circular = c.attributes.string('mode') === 'circular';
  const { size, inner } = aroundAxis(cache.dims, axis);
  const length = update.dims[axis]!;
  const offsets = Float64Array.from({ length: update.size }, (_, i) => {
    const place = indexAt(i, update.dims);
    const position = (writes[place[0]!] ?? 0) + place[axis]!;
    if (!circular && position >= size)
      throw invalid(c, 'E_INDEX', `position ${position} is outside of ${size} elements`);
    const outer = Math.floor(i / (inner * length));
    return (outer * size + (position % size)) * inner + (i % inner);
  });
  return [put(c, cache, offsets, update)];
}

/** Different elements or slices, with where each is first, which one each was, and how often it is there. */
function unique(c: EvaluateContext): Tensor[] {
  const given = tensorAt(c, 0);
  const flat = !c.attributes.has('axis');
  const x = flat ? new Tensor(given.type, given.data, [given.size]) : given;
  const axis = flat ? 0 : axisIn(c, c.attributes.int('axis'), x.dims.length);
  const { outer, size, inner } = aroundAxis(x.dims, axis);
  const values: ArrayLike<number | bigint | string> =
    x.type === 'string' ? (x.data as string[]) : isWide(x.type) ? bigintsOf(x) : numbersOf(x);
  const compare = (p: number, q: number): number => {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const [a, b] = [values[(o * size + p) * inner + i]!, values[(o * size + q) * inner + i]!];
        if (a !== b) return a < b ? -1 : 1;
      }
    }
    return 0;
  };
  const order = Array.from({ length: size }, (_, s) => s).sort((p, q) => compare(p, q) || p - q);
  const groups: number[][] = [];
  for (const s of order) {
    const last = groups.at(-1);
    if (last !== undefined && compare(last[0]!, s) === 0) last.push(s);
    else groups.push([s]);
  }
  if (c.attributes.int('sorted') === 0) groups.sort((a, b) => a[0]! - b[0]!);
  const inverse = new Float64Array(size);
  groups.forEach((group, index) => {
    for (const s of group) inverse[s] = index;
  });
  const first = tensorOfIntegers(groups.map((group) => group[0]!));
  return [
    taken(c, x, first, axis),
    first,
    tensorOfIntegers(inverse),
    tensorOfIntegers(groups.map((group) => group.length)),
  ];
}

export const scatterEvaluators: readonly Evaluator[] = [
  { op: 'ScatterElements', evaluate: scatterElements },
  { op: 'ScatterND', evaluate: scatterND },
  { op: 'TensorScatter', evaluate: tensorScatter },
  { op: 'Unique', evaluate: unique },
];
