import { decibels } from '../core/decibels.ts';
import { run, wait } from '../core/maybe.ts';
import { volume } from '../core/shape.ts';
import type { ByteSource, MaybePromise } from '../core/source.ts';
import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import { type Constant, constantOf } from '../ir/constant.ts';
import { float16ToFloat32, float32ToFloat16, squaredError } from '../kernels/index.ts';

/** Elements worked on at a time: 16 MB of float32. */
const pieceElements = 1 << 22;

/** Signal-to-noise ratio of a float32 weight stored as float16, dB; NaN if an element becomes infinite
 *  (|x| ≥ 65520) or is not finite. */
export function measureHalf(weight: Constant): MaybePromise<number> {
  return run(
    (function* (): Generator<MaybePromise<unknown>, number, unknown> {
      const count = volume(weight.shape);
      let signal = 0;
      let noise = 0;
      for (let at = 0; at < count; at += pieceElements) {
        const length = Math.min(pieceElements, count - at);
        const bytes = yield* wait(weight.data.read(at * 4, length * 4));
        const reals = typedArrayOf('float32', bytes) as Float32Array;
        const error = squaredError(reals, float16ToFloat32(float32ToFloat16(reals)));
        signal += error.signal;
        noise += error.noise;
      }
      if (!Number.isFinite(signal) || !Number.isFinite(noise)) return Number.NaN;
      return noise === 0 ? Number.POSITIVE_INFINITY : decibels(signal, noise);
    })(),
  );
}

/** The weight in float16, converted when it is read. */
export function halfConstant(weight: Constant): Constant {
  const source: ByteSource = {
    size: volume(weight.shape) * 2,
    read(offset, length) {
      return run(
        (function* (): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
          const first = Math.floor(offset / 2);
          const last = Math.ceil((offset + length) / 2);
          const bytes = yield* wait(weight.data.read(first * 4, (last - first) * 4));
          const half = bytesOf(float32ToFloat16(typedArrayOf('float32', bytes) as Float32Array));
          return half.subarray(offset - first * 2, offset - first * 2 + length);
        })(),
      );
    },
  };
  return constantOf('float16', weight.shape, source);
}
