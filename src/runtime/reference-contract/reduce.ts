import { stridesOf, viewOffsets } from '../generic/indexing.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { frontAxis, numbersOf } from '../lower/operands.ts';
import { within } from './limits.ts';
import { type Multiplier, multiplierOf, scaled } from './multiplier.ts';
import { type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Sums and means of levels over axes. */
function prepare(c: LowerContext, isMean: boolean): Run | null {
  const [input] = c.inputs;
  const [x, y] = [smallMeaning(input), smallMeaning(c.outputs[0])];
  if (input == null || x === null || y === null || x.storage !== y.storage) return null;
  const { dims } = input;
  const given = c.inputs[1] == null ? [] : numbersOf(c, 1);
  if (given === null) return null;
  if (given.length === 0 && c.attributes.int('noop_with_empty_axes', 0) !== 0) return null;
  const list = given.length === 0 ? dims.map((_, axis) => axis) : given;
  const axes = new Set(list.map((axis) => frontAxis(axis, dims.length)));
  const strides = stridesOf(dims);
  const part = (isInner: boolean): Float64Array => {
    const own = dims.map((_, axis) => axis).filter((axis) => axes.has(axis) === isInner);
    return viewOffsets(
      own.map((axis) => dims[axis]!),
      own.map((axis) => strides[axis]!),
    );
  };
  const [starts, steps] = [part(false), part(true)];
  const count = steps.length;
  if (count === 0) return null;
  const whole = multiplierOf(x.scale / y.scale);
  const factor = isMean ? divided(whole, count) : whole;
  return ([from], [to]) => {
    for (let i = 0; i < starts.length; i++) {
      let sum = 0;
      for (let t = 0; t < count; t++) sum += from![starts[i]! + steps[t]!]!;
      const centered = (sum - x.zero * count) | 0;
      to![i] = within(scaled(centered, factor) + y.zero, y);
    }
  };
}

/** A multiplier over a count, with as many bits as fit. */
function divided({ multiplier, shift }: Multiplier, count: number): Multiplier {
  const bits = Math.min(31 - Math.clz32(count), 32, 31 + shift);
  return { multiplier: Math.trunc((multiplier * 2 ** bits) / count) | 0, shift: shift - bits };
}

export const reduceKernels: readonly StoredKernel[] = [
  { op: 'ReduceMean', prepare: (c) => prepare(c, true) },
  { op: 'ReduceSum', prepare: (c) => prepare(c, false) },
];
