/** Natural logarithm from +, ×, ÷ alone, so that it has the same bits in every engine (Math.log has not).
 *  ln(m·2^e) = e·ln 2 + 2·atanh((m−1)/(m+1)) with m in [√½, √2): 12 terms leave less than 1e-17. */
function ln(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return exponent * Math.LN2 + 2 * t * sum;
}

/** Signal-to-noise ratio in dB of two powers (sums of squares): 10·log10(signal / noise).
 *  Infinity without noise, −Infinity for noise without signal, NaN for a power that is not a number ≥ 0. */
export function decibels(signal: number, noise: number): number {
  if (!(signal >= 0 && noise >= 0)) return Number.NaN;
  if (noise === 0) return Number.POSITIVE_INFINITY;
  if (signal === 0) return Number.NEGATIVE_INFINITY;
  if (signal === Number.POSITIVE_INFINITY) return signal;
  if (noise === Number.POSITIVE_INFINITY) return -noise;
  return (10 * (ln(signal) - ln(noise))) / Math.LN10;
}
