import { byteLengthOf, type DType, dtypes } from '../../core/dtype.ts';
import { FormatError, LimitError, rangeError, UnsupportedError } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import type { ByteSource } from '../../core/source.ts';
import type { ExternalData } from './external.ts';
import type { SparseTensorProto } from './proto.ts';
import { checkDims, tensorBytes, tensorDims, tensorPlace, tensorType } from './tensor.ts';

const indicesAtOnce = 2 ** 17;

/** A sparse tensor as a dense one. */
export interface DenseTensor {
  dtype: DType;
  dims: number[];
  /** Packed little-endian elements, made when read. */
  source: ByteSource;
}

/** Dense form of a sparse tensor. Indices are linear ([NNZ]) or coordinates ([NNZ, rank]), ascending.
 *  Only the indices are read here (8 bytes each stay in memory); a read of the result fills what it asks for.
 *  @param limits  the dense bytes and the indices must be within `decodedBytes`
 *  @throws {FormatError} parts missing or of a wrong shape; indices out of range, out of order or repeated
 *  @throws {UnsupportedError} strings
 *  @throws {LimitError} too large */
export async function densify(
  sparse: SparseTensorProto,
  limits: Limits,
  external?: ExternalData,
): Promise<DenseTensor> {
  const { values, indices } = sparse;
  if (values === undefined || indices === undefined) {
    throw bad('onnx: sparse tensor', `${values === undefined ? 'values' : 'indices'} are missing`);
  }
  const where = `${tensorPlace(values)} (sparse)`;
  const dtype = tensorType(values);
  if (dtype === 'string') {
    throw new UnsupportedError('sparse tensors of strings', { code: 'E_ONNX_SPARSE', where });
  }
  const dims = tensorDims(sparse, where);
  const count = checkDims(dims, where);
  const valueDims = tensorDims(values);
  const nonzero = valueDims[0] ?? 0;
  if (valueDims.length !== 1) throw bad(where, `values have ${valueDims.length} axes, not 1`);
  if (tensorType(indices) !== 'int64')
    throw bad(where, `indices are ${tensorType(indices)}, not int64`);
  const indexDims = tensorDims(indices);
  const linear = indexDims.length === 1;
  if (
    indexDims[0] !== nonzero ||
    (!linear && (indexDims.length !== 2 || indexDims[1] !== dims.length))
  ) {
    throw bad(
      where,
      `indices are [${indexDims.join(', ')}] for ${nonzero} values of rank ${dims.length}`,
    );
  }
  const size = byteLengthOf(dtype, count);
  const needed = size + 8 * nonzero;
  if (needed > limits.decodedBytes) {
    throw new LimitError('decodedBytes', limits.decodedBytes, needed, { where });
  }
  const valueBytes = tensorBytes(values, external);
  const places = await readPlaces(
    tensorBytes(indices, external),
    nonzero,
    linear ? [count] : dims,
    where,
  );
  return { dtype, dims, source: scatter(valueBytes, places, dtypes[dtype].bits, size, where) };
}

/** Linear places, checked to ascend. */
async function readPlaces(
  source: ByteSource,
  nonzero: number,
  dims: readonly number[],
  where: string,
): Promise<Float64Array> {
  const places = new Float64Array(nonzero);
  const rank = dims.length;
  const rows = Math.max(1, Math.floor(indicesAtOnce / Math.max(rank, 1)));
  let last = -1;
  for (let row = 0; row < nonzero; row += rows) {
    const many = Math.min(rows, nonzero - row);
    const bytes = await source.read(row * rank * 8, many * rank * 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < many; i++) {
      let place = 0;
      for (let axis = 0; axis < rank; axis++) {
        const at = (i * rank + axis) * 8;
        const index = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
        const dim = dims[axis]!;
        if (!(index >= 0 && index < dim))
          throw bad(where, `the index ${index} is outside 0..${dim - 1}`);
        place = place * dim + index;
      }
      if (place <= last) throw bad(where, `index ${row + i} repeats or comes out of order`);
      last = place;
      places[row + i] = place;
    }
  }
  return places;
}

/** Zeros with values at ascending places. */
function scatter(
  values: ByteSource,
  places: Float64Array,
  bits: number,
  size: number,
  where: string,
): ByteSource {
  return {
    size,
    name: where,
    read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
        throw rangeError('offset, length', `a range within ${size} bytes`, `${offset}, ${length}`);
      }
      const out = new Uint8Array(length);
      const first = lowerBound(places, Math.floor((offset * 8) / bits));
      const last = lowerBound(places, Math.ceil(((offset + length) * 8) / bits));
      if (first === last) return out;
      const from = Math.floor((first * bits) / 8);
      const fill = (part: Uint8Array): Uint8Array => {
        for (let i = first; i < last; i++) {
          if (bits < 8)
            putBits(out, places[i]! * bits - offset * 8, part, i * bits - from * 8, bits);
          else {
            const to = places[i]! * (bits / 8) - offset;
            const at = (i - first) * (bits / 8);
            for (let b = Math.max(0, -to); b < bits / 8 && to + b < length; b++)
              out[to + b] = part[at + b]!;
          }
        }
        return out;
      };
      const part = values.read(from, Math.ceil((last * bits) / 8) - from);
      return part instanceof Uint8Array ? fill(part) : part.then(fill);
    },
  };
}

/** First index whose place is at least `place`. */
function lowerBound(places: Float64Array, place: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Copies an element of less than a byte; elements don't straddle bytes. */
function putBits(out: Uint8Array, to: number, from: Uint8Array, at: number, bits: number): void {
  const value = (from[at >> 3]! >> (at & 7)) & ((1 << bits) - 1);
  const byte = Math.floor(to / 8);
  out[byte] = out[byte]! | (value << (to - byte * 8));
}

function bad(where: string, what: string): FormatError {
  return new FormatError(`the sparse tensor is malformed: ${what}`, {
    code: 'E_ONNX_SPARSE',
    where,
  });
}
