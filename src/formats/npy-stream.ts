import { byteLengthOf, dtypes } from '../core/dtype.ts';
import { FormatError, UnsupportedError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { Tensor, typedArrayOf } from '../core/tensor.ts';
import { type NpyHeader, npyHeaderBytes, npyPreamble, readNpyHeader } from './npy.ts';

/** An array that is read a few rows at a time. */
export interface NpyStream {
  readonly header: NpyHeader;
  /** The next rows (indices of the first axis), or null after the last ones.
   *  @throws {FormatError} the data are cut off */
  next(rows: number): Promise<Tensor | null>;
  /** Gives the source back before its end. */
  close(): Promise<void>;
}

/** Reads an .npy file from pieces of it, in memory of the rows that are asked for and a piece.
 *  @param size  of the file, bytes: nothing longer is made room for
 *  @throws as `readNpy`; {UnsupportedError} an array without axes */
export async function streamNpy(
  pieces: AsyncGenerator<Uint8Array>,
  size: number,
  where: string,
): Promise<NpyStream> {
  const cutOff = (): FormatError =>
    new FormatError('the data are cut off', { code: 'E_NPY', where });
  const take = taker(pieces, where);
  const preamble = await take(npyPreamble);
  const length = npyHeaderBytes(preamble, where);
  if (length > size) throw cutOff();
  const rest = await take(Math.max(length - npyPreamble, 0));
  const start = new Uint8Array(preamble.length + rest.length);
  start.set(preamble);
  start.set(rest, preamble.length);
  const header = readNpyHeader(start, where);
  const { dtype, dims } = header;
  const [total, ...row] = dims;
  if (total === undefined || dtypes[dtype].bits < 8)
    throw new UnsupportedError('an array without axes', { code: 'E_NPY_AXES', where });
  if (length + byteLengthOf(dtype, volume(dims)) > size) throw cutOff();
  let done = 0;
  return {
    header,
    async next(rows) {
      const count = Math.min(rows, total - done);
      if (count <= 0) return null;
      done += count;
      const shape = [count, ...row];
      const bytes = await take(byteLengthOf(dtype, volume(shape)));
      return new Tensor(dtype, typedArrayOf(dtype, bytes), shape);
    },
    async close() {
      await pieces.return(undefined);
    },
  };
}

/** Gives a number of bytes after the other, in memory of their own. */
function taker(
  pieces: AsyncGenerator<Uint8Array>,
  where: string,
): (count: number) => Promise<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  return async (count) => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      if (held.length === 0) {
        const { done, value } = await pieces.next();
        if (done === true) throw new FormatError('the data are cut off', { code: 'E_NPY', where });
        held = value;
        continue;
      }
      const some = held.subarray(0, count - at);
      bytes.set(some, at);
      at += some.length;
      held = held.subarray(some.length);
    }
    return bytes;
  };
}
