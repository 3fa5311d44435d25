import { sigmoid } from '../generic/functions.ts';
import type { LowerContext } from '../lower/lowering.ts';
import { type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** LOGISTIC and TANH of 16-bit levels: a table of 256 and lines between its entries. */

/** Entries of TFLite's table of 65536 / (1 + e^(−i / 24)) that are one above the rounded value. */
const above = [
  4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43,
  44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
];

let made: Int32Array | null = null;

/** Made when it is first needed. */
function table(): Int32Array {
  if (made === null) {
    const places = Float64Array.from({ length: 256 }, (_, i) => i / 24);
    made = Int32Array.from(sigmoid(places), (value) => Math.floor(65536 * value + 0.5));
    for (const i of above) made[i]!++;
  }
  return made;
}

/** From levels to 2^17 for 10.67, as integer arithmetic of 32 bits. */
function place(c: LowerContext, mostShift: number): ((level: number) => number) | null {
  const x = smallMeaning(c.inputs[0]);
  const y = smallMeaning(c.outputs[0]);
  if (x?.storage !== 'int16' || y?.storage !== 'int16') return null;
  if (x.zero !== 0 || y.zero !== 0 || y.scale !== 2 ** -15) return null;
  for (let shift = 0; shift <= mostShift; shift++) {
    // A power of two, as near as TFLite wants it.
    if (Math.abs(x.scale / 2 ** (shift - 12) - 1) < 6e-4) return (level) => level * 3 * 2 ** shift;
  }
  let multiplier = x.scale * 4096 * 3;
  let shift = 0;
  for (; multiplier <= 32767 / 2 && shift <= 30; shift++) multiplier *= 2;
  const whole = Math.trunc(multiplier);
  const half = shift > 0 ? 2 ** (shift - 1) : 0;
  return (level) => Math.floor((level * whole + half) / 2 ** shift);
}

/** @param bits  of a place that lie between two entries */
function interpolated(size: number, bits: number, top: number): number {
  const index = size >> bits;
  if (index >= 255) return top;
  const entries = table();
  const rest = size & (2 ** bits - 1);
  return entries[index]! * 2 ** bits + rest * (entries[index + 1]! - entries[index]!);
}

function logistic(c: LowerContext): Run | null {
  const at = place(c, 0);
  if (at === null) return null;
  return ([x], [y]) => {
    for (let i = 0; i < y!.length; i++) {
      const where = at(x![i]!);
      const value = interpolated(Math.abs(where), 9, 0x7fff * 2 ** 10);
      y![i] = Math.floor((where >= 0 ? value + 2 ** 9 : 2 ** 25 - value + 2 ** 9 - 1) / 2 ** 10);
    }
  };
}

function tanh(c: LowerContext): Run | null {
  const at = place(c, 1);
  if (at === null) return null;
  return ([x], [y]) => {
    for (let i = 0; i < y!.length; i++) {
      const where = at(x![i]!);
      const value = interpolated(Math.abs(where), 8, 0xffff * 2 ** 8);
      const level = where >= 0 ? value - 2 ** 23 + 2 ** 7 : -value + 2 ** 23 + 2 ** 7 - 1;
      y![i] = Math.floor(level / 2 ** 8);
    }
  };
}

export const sigmoid16Kernels: readonly StoredKernel[] = [
  { op: 'Sigmoid', prepare: logistic },
  { op: 'Tanh', prepare: tanh },
];
