import type { LowerContext } from '../lower/lowering.ts';
import { roundAway, within } from './limits.ts';
import { type Multiplier, multiplierOf, roundingShift, scaled } from './multiplier.ts';
import { type Meaning, meaningOf, type Run, type StoredKernel, smallMeaning } from './stored.ts';

/** Activations of levels that TFLite's reference kernels compute with integers. */

const { fround } = Math;

/** The level of a level, before limits. */
type Each = (level: number) => number;

function each(
  c: LowerContext,
  make: (x: Meaning, y: Meaning) => { level: Each; min?: number; max?: number } | null,
): Run | null {
  const [x, y] = [smallMeaning(c.inputs[0]), smallMeaning(c.outputs[0])];
  if (x === null || y === null || x.storage !== y.storage) return null;
  const made = make(x, y);
  if (made === null) return null;
  const limits = { min: made.min ?? y.min, max: made.max ?? y.max };
  const level = (value: number): number => within(made.level(value), limits);
  if (x.max - x.min > 255) {
    return ([from], [to]) => {
      for (let i = 0; i < to!.length; i++) to![i] = level(from![i]!);
    };
  }
  const table = Int16Array.from({ length: 256 }, (_, i) => level(x.min + i));
  return ([from], [to]) => {
    for (let i = 0; i < to!.length; i++) to![i] = table[from![i]! - x.min]!;
  };
}

const factor = (x: Meaning, y: Meaning): Multiplier => multiplierOf(fround(x.scale / y.scale));

function leakyRelu(c: LowerContext): Run | null {
  const alpha = fround(c.attributes.float('alpha', 0.01));
  return each(c, (x, y) => {
    const same = factor(x, y);
    const slope = fround(fround(x.scale * alpha) / y.scale);
    const sloped = multiplierOf(Math.abs(slope));
    const sign = slope < 0 ? -1 : 1;
    return {
      level: (level) => {
        const value = level - x.zero;
        return y.zero + (value >= 0 ? scaled(value, same) : sign * scaled(value, sloped));
      },
    };
  });
}

/** Relu, or Clip with constant limits. */
function clipped(c: LowerContext, low: number, high: number): Run | null {
  return each(c, (x, y) => {
    const same = factor(x, y);
    const level = (real: number): number => y.zero + roundAway(fround(real / y.scale));
    return {
      level: (value) => y.zero + scaled(value - x.zero, same),
      min: low === -Infinity ? y.min : Math.max(y.min, level(low)),
      max: high === Infinity ? y.max : Math.min(y.max, level(high)),
    };
  });
}

function clip(c: LowerContext): Run | null {
  const limit = (input: number, otherwise: number): number | null => {
    if (c.inputs[input] == null) return otherwise;
    const known = c.known(input);
    return known === null || c.inputs[input]!.quantization !== null ? null : Number(known.data[0]);
  };
  const [low, high] = [limit(1, -Infinity), limit(2, Infinity)];
  return low === null || high === null ? null : clipped(c, low, high);
}

/** √x, cut towards zero. */
function squareRoot(c: LowerContext): Run | null {
  return each(c, (x, y) => ({
    level: (level) => {
      const root = fround(Math.sqrt(Math.max(fround(x.scale * (level - x.zero)), 0)));
      return Math.trunc(fround(root / y.scale)) + y.zero;
    },
  }));
}

function absolute(c: LowerContext): Run | null {
  return each(c, (x, y) => {
    const same = factor(x, y);
    return { level: (level) => scaled(Math.abs(level - x.zero), same) + y.zero };
  });
}

/** The upper 16 bits of a multiplier. */
function narrow(multiplier: number): number {
  return multiplier >= 2 ** 31 - 1 - 2 ** 15 ? 32767 : (multiplier + 2 ** 15) >> 16;
}

const saturated = (x: number): number => Math.min(Math.max(x, -32768), 32767);

/** 2·a·b / 2^16 of int16, to the nearest. */
function doublingHigh(a: number, b: number): number {
  if (a === -32768 && b === -32768) return 32767;
  const product = a * b;
  return Math.trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15);
}

/** x · max(0, min(1, x / 6 + 1/2)) with 16-bit numbers in between. */
function hardSwish(c: LowerContext): Run | null {
  return each(c, (x, y) => {
    if (x.storage !== 'int8' && x.storage !== 'uint8') return null;
    const fine = fround(x.scale / 128);
    const out = multiplierOf(fround(fine / y.scale));
    const gate = multiplierOf(fround(fine / fround(3 / 32768)));
    if (out.shift > 0) return null;
    const [toOut, toGate] = [narrow(out.multiplier), narrow(gate.multiplier)];
    return {
      level: (level) => {
        const value = (level - x.zero) * 128;
        const unshifted = doublingHigh(value, toOut);
        let part = value;
        if (gate.shift > 0) part = saturated(part * 2 ** (gate.shift - 1));
        part = doublingHigh(part, toGate);
        if (gate.shift > 0) part = saturated(part * 2);
        if (gate.shift < 0) part = roundingShift(part, -gate.shift);
        part = (part + 2 ** 15) >> 1;
        const product = Math.trunc((part * unshifted) / 2 ** 15);
        return roundingShift(product, -out.shift) + y.zero;
      },
    };
  });
}

/** Levels of one meaning as levels of another: QUANTIZE, and any other copy between meanings. */
function requantized(c: LowerContext): Run | null {
  const [x, y] = [c.inputs[0], c.outputs[0]];
  const to = smallMeaning(y);
  if (x == null || to === null) return null;
  if (x.storage === 'float32' && x.quantization === null)
    return ([from], [result]) => {
      for (let i = 0; i < result!.length; i++)
        result![i] = within(roundAway(fround(from![i]! / to.scale)) + to.zero, to);
    };
  const from = meaningOf(x);
  if (from === null) return null;
  // Nothing to compute: a copy.
  if (from.storage === to.storage && from.scale === to.scale && from.zero === to.zero) return null;
  const same = multiplierOf(from.scale / to.scale);
  return ([levels], [result]) => {
    for (let i = 0; i < result!.length; i++)
      result![i] = within(scaled((levels![i]! - from.zero) | 0, same) + to.zero, to);
  };
}

export const activationKernels: readonly StoredKernel[] = [
  { op: 'LeakyRelu', prepare: leakyRelu },
  { op: 'Relu', prepare: (c) => clipped(c, 0, Infinity) },
  { op: 'Clip', prepare: clip },
  { op: 'HardSwish', prepare: hardSwish },
  { op: 'Sqrt', prepare: squareRoot },
  { op: 'Abs', prepare: absolute },
  { op: 'Identity', prepare: requantized },
];
