const word = new DataView(new ArrayBuffer(8));
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** ln x for a finite x > 0, within 1 ulp and the same in every engine, which `Math.log` is not.
 *  Source: fdlibm e_log.c: x = 2^k (1 + f), s = f / (2 + f), ln(1 + f) = f − f²/2 + s (f²/2 + R(s²)). */
export function log(x: number): number {
  let k = 0;
  if (x < 2 ** -1022) {
    x *= 2 ** 54;
    k = -54;
  }
  word.setFloat64(0, x);
  let high = word.getUint32(0);
  // Fractions from √2/2 to √2.
  high += 0x3ff00000 - 0x3fe6a09e;
  k += (high >>> 20) - 1023;
  word.setUint32(0, (high & 0xfffff) + 0x3fe6a09e);
  const f = word.getFloat64(0) - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z *
    (0.6666666666666735 +
      w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  return s * (half + even + odd) + k * ln2Low - half + f + k * ln2High;
}
