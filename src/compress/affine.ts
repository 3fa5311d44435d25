import { integerRange } from '../core/dtype.ts';
import { roundHalfEven } from '../core/round.ts';
import type { Scheme } from './scheme.ts';

export interface AffineParameters {
  scale: Float32Array;
  /** null when all are 0. */
  zeroPoint: Int32Array | null;
}

/** Smallest normal float32: a smaller scale would lose bits, and some runtimes flush it to zero. */
const tiny = 2 ** -126;

/** Maps ranges of reals to integers, one scale per range.
 *
 *  Symmetric: scale = max(|min|, |max|) / qmax with qmax = 2^(bits−1) − 1, zero point 0 (128, 8 for unsigned):
 *  int8 uses [−127, 127]. Affine: scale = (max − min) / (2^bits − 1) over a range widened to contain 0, which
 *  then has an exact integer: the zero point. A range of nothing but zeros gets scale 1.
 *  @param min  smallest real of each range; finite
 *  @param max  largest */
export function affineParameters(
  min: Float32Array,
  max: Float32Array,
  { storage, symmetric }: Pick<Scheme, 'storage' | 'symmetric'>,
): AffineParameters {
  const { min: qmin, max: qmax } = integerRange(storage);
  const scale = new Float32Array(min.length);
  const zeroPoint = new Int32Array(min.length);
  const middle = Math.ceil((qmax + qmin) / 2); // 0 for int8, 128 for uint8
  for (let i = 0; i < scale.length; i++) {
    const low = Math.min(min[i] ?? 0, 0);
    const high = Math.max(max[i] ?? 0, 0);
    const range = symmetric ? Math.max(-low, high) : high - low;
    const step = Math.fround(range / (symmetric ? qmax - middle : qmax - qmin));
    scale[i] = range === 0 ? 1 : Math.max(step, tiny);
    const zero = symmetric ? middle : roundHalfEven(qmin - low / (scale[i] ?? 1));
    zeroPoint[i] = Math.max(qmin, Math.min(qmax, zero));
  }
  return { scale, zeroPoint: zeroPoint.every((zero) => zero === 0) ? null : zeroPoint };
}
