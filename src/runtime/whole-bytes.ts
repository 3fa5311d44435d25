import { dtypes } from '../core/dtype.ts';
import { run, wait } from '../core/maybe.ts';
import { volume } from '../core/shape.ts';
import type { ByteSource, MaybePromise } from '../core/source.ts';
import type { Constant } from '../ir/constant.ts';
import type { Model } from '../ir/model.ts';
import { permutedConstant } from '../ir/permute.ts';
import { allGraphs } from '../ir/walk.ts';

/** Quantized weights of less than a byte, without blocks, as the same levels in whole bytes: kernels on 8-bit integers
 *  take these. Bytes are unpacked as they are read. */
export function useWholeBytes(model: Model): void {
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants) {
      const { constant, quantization } = value;
      if (constant === null || quantization === null || quantization.blockSize !== null) continue;
      const { bits, kind } = dtypes[constant.dtype];
      if (bits >= 8 || (kind !== 'int' && kind !== 'uint')) continue;
      value.constant = unpacked(constant);
      value.quantization = { ...quantization, storage: value.constant.dtype };
    }
  }
}

function unpacked(constant: Constant): Constant {
  const { permuted, dtype, shape, data } = constant;
  if (permuted !== undefined) return permutedConstant(unpacked(permuted.base), permuted.perm);
  const { bits, kind } = dtypes[dtype];
  const perByte = 8 / bits;
  const isSigned = kind === 'int';
  const source: ByteSource = {
    size: volume(shape),
    read: (offset, length) =>
      run(
        (function* (): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
          const first = Math.floor(offset / perByte);
          const last = Math.ceil((offset + length) / perByte);
          const bytes = yield* wait(data.read(first, last - first));
          const levels = new Uint8Array(length);
          for (let i = 0; i < length; i++) {
            const at = offset + i - first * perByte;
            // Up to the top of 32 bits, and down again with the sign or without.
            const top = bytes[Math.floor(at / perByte)]! << (32 - bits - (at % perByte) * bits);
            levels[i] = isSigned ? top >> (32 - bits) : top >>> (32 - bits);
          }
          return levels;
        })(),
      ),
  };
  return { dtype: isSigned ? 'int8' : 'uint8', shape, data: source };
}
