import type { DType } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { invalid } from './operands.ts';

/** [batch, heads, length, size] */
export interface Heads {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly size: number;
  readonly values: Float64Array;
}

/** Heads side by side, or one behind the other already.
 *  @param heads  how many a tensor of rank 3 has, [batch, length, heads · size] */
export function headsOf(c: EvaluateContext, x: Tensor, heads: number): Heads {
  const values = numbersOf(x);
  if (x.dims.length === 4) {
    const [batch, own, length, size] = x.dims as [number, number, number, number];
    return { batch, heads: own, length, size, values };
  }
  const [batch, length, width] = x.dims as [number, number, number];
  if (x.dims.length !== 3 || heads < 1 || width % heads !== 0)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims.join(', ')}] does not hold ${heads} heads`);
  const size = width / heads;
  const apart = new Float64Array(values.length);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < length; t++) {
        const from = (b * length + t) * width + h * size;
        for (let i = 0; i < size; i++) apart[at++] = values[from + i]!;
      }
    }
  }
  return { batch, heads, length, size, values: apart };
}

/** [batch, length, heads · size] */
export function packHeads(type: DType, { batch, heads, length, size, values }: Heads): Tensor {
  const packed = new Float64Array(values.length);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < length; t++) {
        const to = ((b * length + t) * heads + h) * size;
        for (let i = 0; i < size; i++) packed[to + i] = values[at++]!;
      }
    }
  }
  return tensorOf(type, packed, [batch, length, heads * size]);
}

/** What was kept of earlier positions, then the fresh ones. */
export function concatenated(c: EvaluateContext, past: Tensor | undefined, own: Heads): Heads {
  if (past === undefined) return own;
  const [batch, heads, before, size] = past.dims;
  if (batch !== own.batch || heads !== own.heads || size !== own.size)
    throw invalid(c, 'E_SHAPE_MISMATCH', `a cache [${past.dims.join(', ')}] does not fit`);
  const length = before! + own.length;
  const values = new Float64Array(own.batch * own.heads * length * own.size);
  const earlier = numbersOf(past);
  for (let i = 0; i < own.batch * own.heads; i++) {
    const start = i * length * own.size;
    values.set(earlier.subarray(i * before! * own.size, (i + 1) * before! * own.size), start);
    const fresh = own.values.subarray(i * own.length * own.size, (i + 1) * own.length * own.size);
    values.set(fresh, start + before! * own.size);
  }
  return { ...own, length, values };
}
