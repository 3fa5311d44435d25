import { random } from '../../src/core/random.ts';

/** Numbers of both signs between −1 and 1, in an array that starts off a 16-byte boundary. */
export function noise(count: number, seed: number): Float32Array<ArrayBuffer> {
  const draw = random(seed);
  const x = new Float32Array(new ArrayBuffer(4 * count + 12), 4, count);
  for (let i = 0; i < count; i++) x[i] = 2 * draw.uniform() - 1;
  return x;
}

export interface Expected {
  value: Float64Array;
  /** Σ|terms| of each element, which scales the error allowed. */
  scale: Float64Array;
}

/** The largest error in units of (terms + 2)·2⁻²⁴·Σ|terms|: at most 1 is what is promised. */
export function errorOf(got: ArrayLike<number>, { value, scale }: Expected, terms: number): number {
  if (got.length !== value.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < value.length; i++) {
    const allowed = (terms + 2) * 2 ** -24 * scale[i]! + 1e-44;
    const error = Math.abs(got[i]! - value[i]!) / allowed;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
