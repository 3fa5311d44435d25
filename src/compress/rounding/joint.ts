import { Tensor } from '../../core/tensor.ts';
import { gram, product, viewAt, withFloats } from '../../kernels/linalg/matrix.ts';
import { hasNaN } from '../../kernels/reduce.ts';
import { floatsOf, nanError } from '../calibration/watch.ts';
import { placesOf } from '../statistics/collect.ts';
import type { Reader } from '../statistics/reader.ts';

/** What a layer reads in two models: a in the real one, ã in the one whose layers before are quantized. */
export interface Joint {
  readonly rows: number;
  /** Vectors that were gathered, [groups][rows][K]. */
  readonly real: Float64Array;
  readonly coarse: Float64Array;
}

/** Moments of one group of a layer, from which its rounding follows. */
export interface GroupMoments {
  /** E[a] and E[ã], [K]. */
  readonly realMean: Float64Array;
  readonly coarseMean: Float64Array;
  /** E[ã ãᵀ], [K × K]; null where that would be too large: then `diagonal` is all there is. */
  readonly gram: Float64Array | null;
  /** E[ã²], [K]. */
  readonly diagonal: Float64Array;
  /** W E[(a − ã) ãᵀ], [outputs × K]: what the layers before did to the output, as far as this layer can make up for it;
   *  null where they did nothing. */
  readonly shift: Float64Array | null;
}

/** Vectors for each element of one, where there are as many places: the moments are about as exact as they need be … */
const rowsPerElement = 10;
const leastRows = 4096;
/** … and numbers that are held at most for one of the models, 134 MB. */
const mostNumbers = 2 ** 24;

/** Gathers vectors at the same places of both.
 *  @param real, coarse  the value that the layer reads, for each element of the samples
 *  @param batches  how many samples each of them has
 *  @throws {NumericError} NaN */
export function gather(
  reader: Reader,
  real: readonly Tensor[],
  coarse: readonly Tensor[],
  batches: readonly number[],
  seed: number,
): Joint | null {
  const samples = batches.reduce((sum, batch) => sum + batch, 0);
  const { groups, size } = reader;
  const wished = Math.min(
    Math.max(leastRows, rowsPerElement * size),
    Math.floor(mostNumbers / (groups * size)),
  );
  const most = Math.max(1, Math.ceil(wished / samples));
  const found = real.map((tensor, i) => {
    const places = reader.at(tensor.dims);
    const batch = batches[i]!;
    if (places === null || places.places % batch !== 0) return null;
    return { ...places, batch, each: places.places / batch };
  });
  const rows = found.reduce(
    (sum, at) => sum + (at === null ? 0 : at.batch * Math.min(most, at.each)),
    0,
  );
  if (rows === 0 || found.some((at) => at === null)) return null;
  const vectors = [real, coarse].map((tensors) => {
    const all = new Float64Array(groups * rows * size);
    let row = 0;
    let sample = 0;
    tensors.forEach((tensor, i) => {
      const data = finite(tensor, reader.input);
      const { put, batch, each } = found[i]!;
      for (let b = 0; b < batch; b++)
        for (const place of placesOf(each, most, seed, sample++))
          put(data, b * each + place, all, row++ * size, rows * size);
    });
    return all;
  });
  return { rows, real: vectors[0]!, coarse: vectors[1]! };
}

function finite(tensor: Tensor, name: string): Float32Array {
  const data = tensor instanceof Tensor ? floatsOf(tensor) : null;
  if (data === null || hasNaN(data)) throw nanError(name);
  return data;
}

/** Moments of a group's vectors, which are used up.
 *  @param weights    of the group, [outputs × K]
 *  @param isCentered whether moments are about the means, as is right where a bias takes these up
 *  @param withGram   whether E[ã ãᵀ] is wanted */
export function momentsOf(
  { rows, real, coarse }: Joint,
  group: number,
  weights: Float64Array,
  size: number,
  { isCentered, withGram }: { isCentered: boolean; withGram: boolean },
): GroupMoments {
  const count = rows * size;
  const a = real.subarray(group * count, (group + 1) * count);
  const b = coarse.subarray(group * count, (group + 1) * count);
  const realMean = meanOf(a, size);
  const coarseMean = meanOf(b, size);
  if (isCentered) {
    center(a, realMean);
    center(b, coarseMean);
  }
  const diagonal = new Float64Array(size);
  let isSame = true;
  for (let from = 0; from < count; from += size)
    for (let k = 0; k < size; k++) {
      const x = b[from + k]!;
      diagonal[k]! += (x * x) / rows;
      a[from + k]! -= x;
      if (a[from + k] !== 0) isSame = false;
    }
  const outputs = weights.length / size;
  const square = withGram ? size * size : 1;
  const shifts = withGram && !isSame;
  const sizes = [count, square, ...(shifts ? [count, outputs * size, rows * outputs] : [])];
  return withFloats(sizes, (vectors, moments, ...more) => {
    viewAt(vectors, count).set(b);
    if (withGram) gram(vectors, moments, size, rows, true);
    let shift: Float64Array | null = null;
    const [differences, matrix, errors] = more;
    if (differences !== undefined && matrix !== undefined && errors !== undefined) {
      viewAt(differences, count).set(a);
      viewAt(matrix, outputs * size).set(weights);
      // Differences of the output, [rows × outputs], then times the vectors.
      product([differences, matrix, errors], [rows, outputs, size], { transposeB: true });
      product([errors, vectors, matrix], [outputs, size, rows], { transposeA: true });
      shift = viewAt(matrix, outputs * size).map((sum) => sum / rows);
    }
    const sums = withGram ? viewAt(moments, square).map((sum) => sum / rows) : null;
    return { realMean, coarseMean, gram: sums, diagonal, shift };
  });
}

function meanOf(vectors: Float64Array, size: number): Float64Array {
  const mean = new Float64Array(size);
  for (let from = 0; from < vectors.length; from += size)
    for (let k = 0; k < size; k++) mean[k]! += vectors[from + k]!;
  return mean.map((sum) => (sum * size) / vectors.length);
}

function center(vectors: Float64Array, mean: Float64Array): void {
  const size = mean.length;
  for (let from = 0; from < vectors.length; from += size)
    for (let k = 0; k < size; k++) vectors[from + k]! -= mean[k]!;
}
