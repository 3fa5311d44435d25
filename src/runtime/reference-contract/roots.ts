import type { LowerContext } from '../lower/lowering.ts';
import { inverseSquareRoot } from './fixed-point.ts';
import { within } from './limits.ts';
import { multiplierOf, scaled } from './multiplier.ts';
import { type Run, type StoredKernel, smallMeaning } from './stored.ts';
import { lookUp16, table16 } from './tables.ts';

const { fround } = Math;

/** Bits that are kept below whole numbers. */
const bits = 20;

/** 1 / √x. What is not above 0 has the greatest level. */
function prepare(c: LowerContext): Run | null {
  const [x, y] = [smallMeaning(c.inputs[0]), smallMeaning(c.outputs[0])];
  if (x === null || y === null || x.storage !== y.storage) return null;
  if (x.storage === 'int16') {
    const most = fround(32767 * y.scale);
    const table = table16(
      x,
      y,
      (values) => values.map((v) => (v <= 0 ? most : fround(1 / fround(Math.sqrt(v))))),
      false,
    );
    return ([from], [to]) => {
      for (let i = 0; i < to!.length; i++) to![i] = lookUp16(table, from![i]!);
    };
  }
  if (x.storage !== 'int8') return null;
  const factor = multiplierOf(1 / fround(fround(Math.sqrt(x.scale)) * y.scale));
  const last = { multiplier: factor.multiplier, shift: factor.shift - bits };
  return ([from], [to]) => {
    for (let i = 0; i < to!.length; i++) {
      const value = from![i]! - x.zero;
      if (value <= 0) {
        to![i] = y.max;
        continue;
      }
      const { multiplier, shift } = inverseSquareRoot(value);
      const root = scaled(1, { multiplier, shift: shift + bits });
      to![i] = within(scaled(root, last) + y.zero, y);
    }
  };
}

export const rootKernels: readonly StoredKernel[] = [{ op: 'Rsqrt', domain: 'mp', prepare }];
