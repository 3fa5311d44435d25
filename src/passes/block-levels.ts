import type { DType } from '../core/dtype.ts';
import { run, wait } from '../core/maybe.ts';
import type { ByteSource, MaybePromise } from '../core/source.ts';
import { type Constant, constantOf, readConstant } from '../ir/constant.ts';
import type { Quantization } from '../ir/types.ts';

/** Block-quantized weights as MatMulNBits has them. */
export interface BlockLevels {
  /** [n, blocks, size · bits / 8] unsigned levels along k, the first in the low bits. */
  readonly blob: Uint8Array;
  /** [n, blocks] */
  readonly scales: Float32Array;
  /** [n, blocks]; null where all are 2^(bits − 1). */
  readonly zeros: Float32Array | null;
}

export interface BlockMatrixSizes {
  readonly k: number;
  readonly n: number;
  readonly size: number;
  readonly bits: 4 | 8;
}

/** The matrix [K, N], or [N, K] with `transB`, of attached blocks along K. */
export function blockLevels(
  { k, n, size, bits }: BlockMatrixSizes,
  storage: DType,
  transB: boolean,
  { scale, zeroPoint }: Pick<Quantization, 'scale' | 'zeroPoint'>,
): Omit<BlockLevels, 'blob'> & { blob(levels: Uint8Array): Uint8Array } {
  const blocks = Math.ceil(k / size);
  const half = 2 ** (bits - 1);
  const flip = storage.startsWith('u') ? 0 : half;
  const at = (column: number, block: number): number =>
    transB ? column * blocks + block : block * n + column;
  const scales = new Float32Array(n * blocks);
  const zeros = new Float32Array(n * blocks);
  for (let column = 0, to = 0; column < n; column++) {
    for (let block = 0; block < blocks; block++, to++) {
      scales[to] = scale[at(column, block)]!;
      zeros[to] = (zeroPoint?.[at(column, block)] ?? 0) + flip;
    }
  }
  return {
    scales,
    zeros: zeros.every((zero) => zero === half) ? null : zeros,
    blob: (levels) => arranged(levels, { k, n, size, bits }, transB, flip),
  };
}

function arranged(
  levels: Uint8Array,
  { k, n, size, bits }: BlockMatrixSizes,
  transB: boolean,
  flip: number,
): Uint8Array {
  const row = Math.ceil(k / size) * size;
  const [byColumn, byRow] = transB ? [k, 1] : [1, n];
  if (bits === 8) {
    const blob = new Uint8Array(n * row);
    for (let column = 0; column < n; column++)
      for (let i = 0; i < k; i++)
        blob[column * row + i] = levels[column * byColumn + i * byRow]! ^ flip;
    return blob;
  }
  const blob = new Uint8Array((n * row) / 2);
  for (let column = 0; column < n; column++) {
    for (let i = 0; i < k; i++) {
      const from = column * byColumn + i * byRow;
      const level = ((levels[from >> 1]! >> ((from & 1) * 4)) & 15) ^ flip;
      blob[(column * row + i) >> 1]! |= level << ((i & 1) * 4);
    }
  }
  return blob;
}

/** Levels as MatMulNBits has them, made when they are read. */
export function blobConstant(
  levels: Constant,
  sizes: BlockMatrixSizes,
  blob: (levels: Uint8Array) => Uint8Array,
): Constant {
  const { k, n, size, bits } = sizes;
  const shape = [n, Math.ceil(k / size), (size * bits) / 8];
  const source: ByteSource = {
    size: shape[0]! * shape[1]! * shape[2]!,
    read: (offset, length) =>
      run(
        (function* (): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
          const bytes = yield* wait(readConstant(levels));
          return blob(bytes).subarray(offset, offset + length);
        })(),
      ),
  };
  return constantOf('uint8', shape, source);
}

/** Zero points packed like levels, the rows of [n, blocks] on whole bytes. */
export function packedZeros(zeros: Float32Array, n: number, bits: 4 | 8): Uint8Array {
  if (bits === 8) return Uint8Array.from(zeros);
  const blocks = zeros.length / n;
  const row = Math.ceil(blocks / 2);
  const packed = new Uint8Array(n * row);
  zeros.forEach((zero, i) => {
    const block = i % blocks;
    packed[Math.floor(i / blocks) * row + (block >> 1)]! |= zero << ((block & 1) * 4);
  });
  return packed;
}
