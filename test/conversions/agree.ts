import type { Tensor } from '../../src/core/tensor.ts';
import { bigintsOf, isWide, numbersOf } from '../../src/runtime/generic/elements.ts';

export interface Tolerance {
  /** For floats: this share of the largest expected value. */
  readonly share: number;
  /** For 8- and 16-bit integers: at most so many quanta, and that in at most 1 of 100 elements. */
  readonly quanta: number;
  /** For wide integers: the share of them that may be others; labels of quantized models, where two are as likely. */
  readonly labels?: number;
}

/** What differs between a tensor and what it should be, or null. */
export function disagreement(got: Tensor, expected: Tensor, tolerance: Tolerance): string | null {
  if (got.type !== expected.type) return `${got.type} instead of ${expected.type}`;
  if (`${got.dims}` !== `${expected.dims}`) return `[${got.dims}] instead of [${expected.dims}]`;
  if (isWide(got.type)) {
    const [a, b] = [bigintsOf(got), bigintsOf(expected)];
    const others = [...b.keys()].filter((i) => b[i] !== a[i]);
    if (others.length <= (tolerance.labels ?? 0) * b.length) return null;
    const at = others[0]!;
    return `${others.length} of ${b.length}: [${at}] ${a[at]} instead of ${b[at]}`;
  }
  const [a, b] = [numbersOf(got), numbersOf(expected)];
  const isFloat = /float/.test(got.type);
  const largest = b.reduce(
    (most, y) => (Number.isFinite(y) ? Math.max(most, Math.abs(y)) : most),
    0,
  );
  const allowed = isFloat
    ? 1e-7 + tolerance.share * largest
    : /int(8|16)$/.test(got.type)
      ? tolerance.quanta
      : 0;
  let different = 0;
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    different++;
    if (!(Math.abs(x - y) <= allowed)) {
      return `[${i}] ${x} instead of ${y}${isFloat ? `, at most ${largest}` : ''}`;
    }
  }
  return !isFloat && different > b.length / 100
    ? `${different} of ${b.length} integers differ`
    : null;
}
