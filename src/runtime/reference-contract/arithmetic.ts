import { broadcastOffsets } from '../generic/indexing.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { activationLimits, type Limits, within } from './limits.ts';
import { multiplierOf, scaled } from './multiplier.ts';
import { type Meaning, type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Sums, differences, products and PRelu of levels as TFLite's reference kernels compute them. */

const { fround } = Math;

/** The level of two levels, before limits. */
type Combine = (a: number, b: number) => number;

interface Pair {
  readonly a: Meaning;
  readonly b: Meaning;
  readonly y: Meaning;
}

function pairOf(c: LowerContext): Pair | null {
  const [a, b] = [smallMeaning(c.inputs[0]), smallMeaning(c.inputs[1])];
  const y = smallMeaning(c.outputs[0]);
  if (a === null || b === null || y === null || c.inputs.length !== 2) return null;
  return { a, b, y };
}

/** A function of levels: of 8 bits by a table. */
function tabled({ min, max }: Meaning, f: (level: number) => number): (level: number) => number {
  if (max - min > 255) return f;
  const table = Int32Array.from({ length: 256 }, (_, i) => f(min + i));
  return (level) => table[level - min]!;
}

/** Both operands with more bits and one scale, then the result's.
 *  @param bits  how many more */
function sums({ a, b, y }: Pair, bits: number, sign: 1 | -1): Combine {
  const twice = 2 * Math.max(a.scale, b.scale);
  const [left, right] = [multiplierOf(a.scale / twice), multiplierOf(b.scale / twice)];
  const out = multiplierOf(twice / fround(2 ** bits * y.scale));
  const factor = 2 ** bits;
  const first = tabled(a, (p) => scaled((p - a.zero) * factor, left));
  const second = tabled(b, (q) => sign * scaled((q - b.zero) * factor, right));
  return (p, q) => scaled(first(p) + second(q), out) + y.zero;
}

/** The square of what `sums` subtracts, in 7 more bits. */
function squares({ a, b, y }: Pair): Combine {
  const twice = 2 * Math.max(a.scale, b.scale);
  const [left, right] = [multiplierOf(a.scale / twice), multiplierOf(b.scale / twice)];
  const out = multiplierOf((twice * twice) / fround(2 ** 14 * y.scale));
  return (p, q) => {
    const difference = scaled((p - a.zero) * 128, left) - scaled((q - b.zero) * 128, right);
    return scaled((difference * difference) | 0, out) + y.zero;
  };
}

function products({ a, b, y }: Pair): Combine {
  const out = multiplierOf(fround(fround(a.scale * b.scale) / y.scale));
  return (p, q) => scaled((p - a.zero) * (q - b.zero), out) + y.zero;
}

/** Levels below the zero point times the slope's. */
function slopes({ a, b, y }: Pair): Combine {
  const same = multiplierOf(fround(a.scale / y.scale));
  const sloped = multiplierOf(fround(fround(a.scale * b.scale) / y.scale));
  return (p, q) => {
    const x = p - a.zero;
    return (x >= 0 ? scaled(x, same) : scaled(x * (q - b.zero), sloped)) + y.zero;
  };
}

function elementwise(c: LowerContext, combine: Combine, limits: Limits): Run {
  const [a, b] = c.inputs;
  const { dims, size } = c.outputs[0]!;
  const offsets = (from: readonly number[]): Float64Array | null =>
    from.join() === dims.join() ? null : broadcastOffsets(from, dims);
  const [left, right] = [offsets(a!.dims), offsets(b!.dims)];
  return ([p, q], [y]) => {
    for (let i = 0; i < size; i++) {
      const first = p![left === null ? i : left[i]!]!;
      const second = q![right === null ? i : right[i]!]!;
      y![i] = within(combine(first, second), limits);
    }
  };
}

function kernel(op: string, domain: string, make: (pair: Pair) => Combine | null): StoredKernel {
  return {
    op,
    domain,
    prepare(c) {
      const pair = pairOf(c);
      const combine = pair === null ? null : make(pair);
      const limits = pair === null ? null : activationLimits(c.attributes, pair.y);
      return combine === null || limits === null ? null : elementwise(c, combine, limits);
    },
  };
}

/** All of one type. */
const same = ({ a, b, y }: Pair): boolean => a.storage === b.storage && a.storage === y.storage;

function sum(sign: 1 | -1): (pair: Pair) => Combine | null {
  return (pair) => {
    if (!same(pair)) return null;
    return sums(pair, pair.y.storage === 'int16' ? 15 : 20, sign);
  };
}

const product = (pair: Pair): Combine | null => (same(pair) ? products(pair) : null);

export const arithmeticKernels: readonly StoredKernel[] = [
  ...['', 'mp'].flatMap((domain) => [
    kernel('Add', domain, sum(1)),
    kernel('Sub', domain, sum(-1)),
    kernel('Mul', domain, product),
  ]),
  kernel('PRelu', '', slopes),
  kernel('SquaredDifference', 'mp', (pair) => (same(pair) ? squares(pair) : null)),
];
