import { exp } from '../generic/functions.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { frontAxis } from '../lower/operands.ts';
import { exp32, overOnePlus32 } from './fixed-point.ts';
import { within } from './limits.ts';
import { doublingHighMultiply, multiplierOf, roundingShift, scaled } from './multiplier.ts';
import { type Meaning, type Run, type StoredKernel, smallMeaning } from './stored.ts';
import { lookUp16, table16 } from './tables.ts';

/** Softmax over the last axis of levels. */

/** 8 bits in: powers in 32-bit fixed point with 5 integer bits, their sum with 12. */
function narrow(x: Meaning, y: Meaning, beta: number, outer: number, length: number): Run {
  const factor = multiplierOf(Math.min(beta * x.scale * 2 ** 26, 2 ** 31 - 1));
  const { shift } = factor;
  // How far below the greatest level a power still counts.
  const least = -Math.floor((31 * 2 ** 26) / 2 ** shift);
  const powers = new Int32Array(256);
  for (let distance = 0; distance < 256 && -distance >= least; distance++)
    powers[distance] = exp32(
      doublingHighMultiply((-distance * 2 ** shift) | 0, factor.multiplier),
      5,
    );
  const bits = y.storage === 'int16' ? 16 : 8;
  const limits = { min: y.min, max: y.max };
  return ([from], [to]) => {
    for (let row = 0; row < outer; row++) {
      const start = row * length;
      let top = x.min;
      for (let i = 0; i < length; i++) top = Math.max(top, from![start + i]!);
      let sum = 0;
      for (let i = 0; i < length; i++) {
        const distance = top - from![start + i]!;
        if (-distance >= least) sum = (sum + roundingShift(powers[distance]!, 12)) | 0;
      }
      const headroom = Math.clz32(sum);
      const scale = overOnePlus32(((sum << headroom) - 2 ** 31) | 0);
      const exponent = 12 - headroom + 31 - bits;
      for (let i = 0; i < length; i++) {
        const distance = top - from![start + i]!;
        const isFar = -distance < least;
        const share = isFar
          ? 0
          : roundingShift(doublingHighMultiply(scale, powers[distance]!), exponent);
        to![start + i] = within(share + y.min, limits);
      }
    }
  };
}

const range = 65535;
let tables: { power: Int16Array; reciprocal: Int16Array } | null = null;

/** e^x of −10..0 and 1 / (1 + x) of 0..1. */
function wideTables(): { power: Int16Array; reciprocal: Int16Array } {
  tables ??= {
    power: table16({ scale: 10 / range, zero: 32767 }, { scale: 2 / range, zero: 0 }, exp, true),
    reciprocal: table16(
      { scale: 1 / range, zero: -32768 },
      { scale: 2 / range, zero: 0 },
      (x) => x.map((v) => 1 / (1 + v)),
      true,
    ),
  };
  return tables;
}

/** 16 bits in and out. */
function wide(x: Meaning, beta: number, outer: number, length: number): Run {
  const factor = multiplierOf(Math.fround(x.scale * beta) / (10 / 65535));
  const limits = { min: -32768, max: 32767 };
  return ([from], [to]) => {
    const { power, reciprocal } = wideTables();
    const powers = new Int32Array(length);
    for (let row = 0; row < outer; row++) {
      const start = row * length;
      let top = -32768;
      for (let i = 0; i < length; i++) top = Math.max(top, from![start + i]!);
      let sum = 0;
      for (let i = 0; i < length; i++) {
        const distance = scaled(from![start + i]! - top, factor) + 32767;
        powers[i] = lookUp16(power, within(distance, limits));
        sum += powers[i]!;
      }
      const headroom = Math.clz32(sum);
      const shifted = Math.floor((sum * 2 ** (headroom - 1) + 2 ** 13) / 2 ** 14);
      const share = lookUp16(reciprocal, within(shifted - 2 ** 15 - 2 ** 16, limits));
      const divisor = 2 ** (31 - headroom);
      for (let i = 0; i < length; i++) {
        const level = Math.floor((powers[i]! * share + divisor / 2) / divisor);
        to![start + i] = Math.min(Math.max(level, 0), 32767);
      }
    }
  };
}

function prepare(c: LowerContext): Run | null {
  const [input] = c.inputs;
  const [x, y] = [smallMeaning(input), smallMeaning(c.outputs[0])];
  if (input == null || x === null || y === null) return null;
  const rank = input.dims.length;
  if (rank === 0 || frontAxis(c.attributes.int('axis', -1), rank) !== rank - 1) return null;
  const beta = c.node.domain === 'mp' ? c.attributes.float('beta', 1) : 1;
  if (!(beta > 0)) return null;
  const length = input.dims.at(-1)!;
  const outer = input.size / Math.max(length, 1);
  if (x.storage === 'int16') return y.storage === 'int16' ? wide(x, beta, outer, length) : null;
  // Shares are in units of 1/256 (1/65536) of 1, whatever the scale says.
  return narrow(x, y, beta, outer, length);
}

export const softmaxKernels: readonly StoredKernel[] = [
  { op: 'Softmax', prepare },
  { op: 'Softmax', domain: 'mp', prepare },
];
