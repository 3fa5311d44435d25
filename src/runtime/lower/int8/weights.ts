import type { Quantization } from '../../../ir/types.ts';
import type { Levels } from '../../../kernels/int8/bytes.ts';
import type { Take } from '../../../kernels/int8/panels.ts';
import { channelsLastOrder } from '../conv-job.ts';
import type { LowerContext, Packed } from '../lowering.ts';
import { type Meaning, roundEven } from './levels.ts';

/** Scales and zero points of weights, one for each output channel. */
export interface WeightMeaning {
  readonly scales: Float32Array;
  readonly zeros: Int32Array;
}

/** The meaning of 8-bit weights: one scale, or one for each index of `axis`; null for anything else. */
export function weightMeaning(
  c: LowerContext,
  input: number,
  axis: number,
  channels: number,
): WeightMeaning | null {
  const operand = c.inputs[input];
  const quantization = operand?.quantization;
  if (operand == null || quantization == null || !operand.constant) return null;
  if (operand.storage !== 'int8' && operand.storage !== 'uint8') return null;
  const { scale, zeroPoint, blockSize, view } = quantization;
  if (blockSize !== null || view !== null) return null;
  const isWhole = scale.length === 1;
  if (!isWhole && (quantization.axis !== axis || scale.length !== channels)) return null;
  const at = (values: ArrayLike<number>, i: number): number => values[isWhole ? 0 : i]!;
  return {
    scales: Float32Array.from({ length: channels }, (_, i) => at(scale, i)),
    zeros: Int32Array.from({ length: channels }, (_, i) =>
      zeroPoint === null ? 0 : at(zeroPoint, i),
    ),
  };
}

/** Factors from sums to levels, as onnxruntime computes them: float32 at every step. */
export function requantizationScales(
  x: Meaning,
  { scales }: WeightMeaning,
  y: Meaning,
): Float32Array {
  return scales.map((scale) => Math.fround(Math.fround(x.scale * scale) / y.scale));
}

/** The bias as sums have it, or undefined for one that can't be: not a constant, or too large for int32. */
export function integerBias(
  c: LowerContext,
  input: number,
  x: Meaning,
  { scales }: WeightMeaning,
): Int32Array | null | undefined {
  const operand = c.inputs[input];
  if (operand == null) return null;
  if (!operand.constant || operand.size !== scales.length) return undefined;
  const { data } = c.known(input)!;
  const { quantization } = operand;
  const bias = new Int32Array(scales.length);
  for (let i = 0; i < bias.length; i++) {
    let real = Number(data[i]);
    if (quantization !== null) {
      const index = quantization.scale.length === 1 ? 0 : i;
      if (isSum(quantization, index, Math.fround(x.scale * scales[i]!))) {
        bias[i] = real;
        continue;
      }
      real = (real - (quantization.zeroPoint?.[index] ?? 0)) * quantization.scale[index]!;
    } else if (operand.storage !== 'float32') return undefined;
    const sum = roundEven(real / (x.scale * scales[i]!));
    if (!(Math.abs(sum) < 2 ** 31)) return undefined;
    bias[i] = sum;
  }
  return bias;
}

/** Whether integers are sums of products of levels already. */
function isSum({ storage, scale, zeroPoint }: Quantization, i: number, factor: number): boolean {
  return storage === 'int32' && scale[i] === factor && (zeroPoint?.[i] ?? 0) === 0;
}

/** What was packed at an address, kept beside it. */
const made = new WeakMap<Packed, unknown>();

/** Weights whose form is an object over several stretches of memory.
 *  @param bytes  at most so many are taken
 *  @param make   takes stretches and fills them */
export function packObject<T>(
  c: LowerContext,
  key: string,
  input: number | readonly number[],
  bytes: number,
  make: (take: Take) => T,
): () => T {
  const inputs = typeof input === 'number' ? [input] : input;
  const packed: Packed = c.pack(key, inputs, bytes, (address) => {
    let at = address;
    made.set(
      packed,
      make((size) => {
        const start = at;
        at += Math.ceil(size / 64) * 64;
        return start;
      }),
    );
  });
  return () => {
    void packed.address;
    return made.get(packed) as T;
  };
}

/** Weights of a convolution as [M, …taps, I]: as the file has them, if it has them so. */
export function lastLevels(c: LowerContext, m: number, inner: number, taps: number): Levels {
  const lying = c.knownIn(1, channelsLastOrder(c.inputs[1]!.dims.length));
  if (lying !== null) return lying.data as Levels;
  return channelsLast(c.known(1)!.data as Levels, m, inner, taps);
}

/** [M, I, …taps] → [M, …taps, I] */
function channelsLast(w: Levels, m: number, inner: number, taps: number): Levels {
  if (taps === 1 || inner === 1) return w;
  const turned = w.slice();
  let at = 0;
  for (let o = 0; o < m; o++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < inner; i++) turned[at++] = w[(o * inner + i) * taps + tap]!;
    }
  }
  return turned;
}

/** Weights without their zero points, one for each stretch of equal length; null where 8 bits can't hold them. */
export function centeredLevels(w: Levels, zeros: Int32Array): Int8Array | null {
  const span = w.length / zeros.length;
  const centered = new Int8Array(w.length);
  for (let i = 0; i < w.length; i++) {
    const level = w[i]! - zeros[Math.floor(i / span)]!;
    if (level < -128 || level > 127) return null;
    centered[i] = level;
  }
  return centered;
}
