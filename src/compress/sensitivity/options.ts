import { volume } from '../../core/shape.ts';
import { typedArrayOf } from '../../core/tensor.ts';
import { type Constant, readConstant } from '../../ir/constant.ts';
import { realsOf } from '../../ir/levels.ts';
import { float16ToFloat32, float32ToFloat16 } from '../../kernels/index.ts';
import { floatsOf } from '../../passes/constants.ts';
import { measure, quantizationOf, quantizedConstant } from '../quantized.ts';
import { type Granularity, type Scheme, type Storage, storedBytes } from '../scheme.ts';

/** A way of storing weights, as sensitivity is asked about it. */
export interface WeightOption {
  /** `int8 channel`: what results are listed under. */
  readonly name: string;
  readonly storage: Storage | 'float16';
  readonly granularity: Granularity;
  readonly blockSize: number | null;
}

const option = (
  storage: WeightOption['storage'],
  granularity: Granularity,
  blockSize: number | null = null,
): WeightOption => ({
  name: storage === 'float16' ? storage : `${storage} ${granularity}`,
  storage,
  granularity,
  blockSize,
});

/** From the most exact to the smallest. */
export const weightOptions: readonly WeightOption[] = [
  option('float16', 'tensor'),
  option('int8', 'channel'),
  option('int8', 'tensor'),
  option('int4', 'block', 32),
  option('int4', 'channel'),
];

/** Weights as an option keeps them, and what they take. */
export interface Stored {
  weights: Float32Array;
  bytes: number;
}

/** @param axes  of the weights: see `findWeights`; null where they have none
 *  @returns  null where the option has nothing to go by */
export async function storedAs(
  { storage, granularity, blockSize }: WeightOption,
  constant: Constant,
  axes: {
    channel: number | null;
    blocks: { view: readonly number[]; axis: number } | null;
  },
): Promise<Stored | null> {
  if (storage === 'float16') {
    const weights = float16ToFloat32(float32ToFloat16(await floatsOf(constant)));
    return { weights, bytes: 2 * volume(constant.shape) };
  }
  const isBlock = granularity === 'block';
  const axis =
    granularity === 'tensor' ? null : isBlock ? (axes.blocks?.axis ?? null) : axes.channel;
  if (axis === null && granularity !== 'tensor') return null;
  const scheme: Scheme = {
    storage,
    symmetric: true,
    granularity,
    axis,
    blockSize: isBlock ? blockSize : null,
    view: isBlock ? axes.blocks!.view : constant.shape,
  };
  const { parameters } = await measure(constant, scheme);
  const levels = quantizedConstant(constant, scheme, parameters);
  // `realsOf` wants its constant in memory.
  const data = await readConstant(levels);
  const held = {
    ...levels,
    data: { size: data.length, read: (at: number, n: number) => data.subarray(at, at + n) },
  };
  const reals = realsOf(held, quantizationOf(constant, scheme, parameters));
  const bytes = await readConstant(reals);
  return { weights: typedArrayOf('float32', bytes) as Float32Array, bytes: storedBytes(scheme) };
}
