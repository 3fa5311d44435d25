import { FormatError, LimitError } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';
import { type ByteSource, readSync } from '../../core/source.ts';
import type {
  DimensionMetadataRecord,
  SparseIndexVector,
  SparsityParametersRecord,
} from './records.ts';

/** Sparse tensors of TFLite: the TACO format. A tensor of rank n with blocks in k of its axes is a tree of n + k levels,
 *  in the order of `traversalOrder`: each level lists all places of its axis (dense) or those that are taken (CSR).
 *  The values are its leaves, in order. Source: the comments of schema.fbs at SparsityParameters. */

interface Level {
  /** Elements between places of this level in the dense tensor. */
  readonly stride: number;
  readonly size: number;
  /** Where places of each node above start, and the places; null for a dense level. */
  readonly segments: ArrayLike<number> | null;
  readonly indices: ArrayLike<number> | null;
}

/** What describes a dense tensor's elements. */
export interface DenseForm {
  readonly shape: readonly number[];
  /** Whole bytes of an element. */
  readonly itemBytes: number;
}

/** Checks a sparse tensor and counts its stored values.
 *  @throws {FormatError} E_TFLITE_SPARSE: levels, segments or places that don't fit the shape */
export function countSparse(sparsity: SparsityParametersRecord, shape: readonly number[]): number {
  let count = 1;
  for (const { size, segments, indices } of levelsOf(sparsity, shape)) {
    if (segments === null || indices === null) count *= size;
    else {
      checkSegments(segments, indices, count, size);
      count = indices.length;
    }
  }
  return count;
}

/** The elements of a sparse tensor, zeros filled in. Linear cost in the dense size.
 *  @param values  the stored elements
 *  @throws {FormatError} E_TFLITE_SPARSE: it is broken, or there are more or fewer values */
export function densify(
  sparsity: SparsityParametersRecord,
  { shape, itemBytes }: DenseForm,
  values: Uint8Array,
): Uint8Array {
  if (countSparse(sparsity, shape) * itemBytes !== values.length)
    throw broken(`${values.length} bytes of values`);
  let places: ArrayLike<number> = [0];
  for (const { stride, size, segments, indices } of levelsOf(sparsity, shape)) {
    const all = segments === null || indices === null;
    const next = new Float64Array(all ? places.length * size : indices.length);
    let at = 0;
    for (let i = 0; i < places.length; i++) {
      const base = places[i]!;
      if (all) for (let j = 0; j < size; j++) next[at++] = base + j * stride;
      else
        for (let j = segments[i]!; j < segments[i + 1]!; j++)
          next[at++] = base + indices[j]! * stride;
    }
    places = next;
  }
  const dense = new Uint8Array(shape.reduce((count, size) => count * size, itemBytes));
  for (let i = 0; i < places.length; i++) {
    const to = places[i]! * itemBytes;
    for (let byte = 0; byte < itemBytes; byte++) dense[to + byte] = values[i * itemBytes + byte]!;
  }
  return dense;
}

/** The dense form of a sparse tensor as a source, made when it is first read.
 *  @throws {LimitError} it has more bytes than `limits.decodedBytes`
 *  @throws {FormatError} E_TFLITE_SPARSE: it is broken */
export function denseSource(
  sparsity: SparsityParametersRecord,
  form: DenseForm,
  values: ByteSource,
  limits: Limits,
  where: string,
): ByteSource {
  const size = form.shape.reduce((count, length) => count * length, form.itemBytes);
  if (size > limits.decodedBytes)
    throw new LimitError('decodedBytes', limits.decodedBytes, size, { where });
  if (countSparse(sparsity, form.shape) * form.itemBytes !== values.size)
    throw broken(`${values.size} bytes of values`);
  let dense: Uint8Array | null = null;
  return {
    size,
    read(offset, length) {
      dense ??= densify(sparsity, form, readSync(values, 0, values.size));
      return dense.subarray(offset, offset + length);
    },
  };
}

/** A dense tensor in the sparse form that another one has: its order, blocks and sparse levels.
 *  @throws {FormatError} E_TFLITE_SPARSE: the form does not fit the shape */
export function sparsify(
  dense: Uint8Array,
  { shape, itemBytes }: DenseForm,
  like: SparsityParametersRecord,
): { sparsity: SparsityParametersRecord; values: Uint8Array } {
  const levels = levelsOf(like, shape);
  let places: number[] = [0];
  const dimMetadata = (like.dimMetadata ?? []).map((before, i): DimensionMetadataRecord => {
    const { stride, size, segments } = levels[i]!;
    const next: number[] = [];
    if (segments === null) {
      for (const base of places) for (let j = 0; j < size; j++) next.push(base + j * stride);
      places = next;
      return before;
    }
    const starts = [0];
    const indices: number[] = [];
    for (const base of places) {
      for (let j = 0; j < size; j++) {
        if (!hasValue(dense, itemBytes, base + j * stride, levels, i + 1)) continue;
        next.push(base + j * stride);
        indices.push(j);
      }
      starts.push(indices.length);
    }
    places = next;
    return {
      format: 1,
      arraySegments: indexVector(starts),
      arrayIndices: indexVector(indices),
    };
  });
  const values = new Uint8Array(places.length * itemBytes);
  places.forEach((place, i) => {
    values.set(dense.subarray(place * itemBytes, (place + 1) * itemBytes), i * itemBytes);
  });
  return { sparsity: { ...like, dimMetadata }, values };
}

/** Whether any element under a place is not zero, by its bytes (−0.0 is a value). */
function hasValue(
  dense: Uint8Array,
  itemBytes: number,
  place: number,
  levels: readonly Level[],
  level: number,
): boolean {
  const next = levels[level];
  if (next === undefined) {
    for (let i = place * itemBytes; i < (place + 1) * itemBytes; i++)
      if (dense[i] !== 0) return true;
    return false;
  }
  for (let j = 0; j < next.size; j++)
    if (hasValue(dense, itemBytes, place + j * next.stride, levels, level + 1)) return true;
  return false;
}

/** The smallest kind that holds the numbers, as the reference converter chooses. */
function indexVector(values: readonly number[]): SparseIndexVector {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  if (largest < 2 ** 8) return { type: 'Uint8Vector', value: { values: Uint8Array.from(values) } };
  if (largest < 2 ** 16)
    return { type: 'Uint16Vector', value: { values: Uint16Array.from(values) } };
  return { type: 'Int32Vector', value: { values: Int32Array.from(values) } };
}

function levelsOf(sparsity: SparsityParametersRecord, shape: readonly number[]): Level[] {
  const order = [...(sparsity.traversalOrder ?? [])];
  const metadata = sparsity.dimMetadata ?? [];
  const blockMap = [...(sparsity.blockMap ?? [])];
  const rank = shape.length;
  if (metadata.length !== order.length || order.length !== rank + blockMap.length)
    throw broken(`${order.length} levels for ${rank} axes and ${blockMap.length} blocks`);
  const isPermutation = (from: number, to: number): boolean => {
    const sorted = order.slice(from, to).sort((a, b) => a - b);
    return sorted.every((axis, i) => axis === from + i);
  };
  if (!isPermutation(0, rank) || !isPermutation(rank, order.length))
    throw broken(`the traversal order ${order.join()}`);
  if (shape.some((size) => !(size >= 0))) throw broken(`the shape ${shape.join()}`);
  // Sizes and strides of the axes, then of the blocks, which split theirs.
  const sizes = [...shape];
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  for (let i = 0; i < blockMap.length; i++) {
    const block = metadata[order.indexOf(rank + i)]!.denseSize ?? 0;
    const axis = blockMap[i]!;
    if (axis < 0 || axis >= rank || blockMap.indexOf(axis) !== i)
      throw broken(`the block map ${blockMap.join()}`);
    if (block <= 0 || sizes[axis]! % block !== 0)
      throw broken(`blocks of ${block} in ${sizes[axis]}`);
    sizes.push(block);
    strides.push(strides[axis]!);
    sizes[axis] = sizes[axis]! / block;
    strides[axis] = strides[axis]! * block;
  }
  return order.map((axis, level) => {
    const { format = 0, denseSize = 0, arraySegments, arrayIndices } = metadata[level]!;
    const size = sizes[axis]!;
    const stride = strides[axis]!;
    if (format === 0) {
      if (denseSize !== size) throw broken(`${denseSize} places where the shape has ${size}`);
      return { stride, size, segments: null, indices: null };
    }
    const segments = arraySegments?.value.values;
    const indices = arrayIndices?.value.values;
    if (format !== 1 || segments === undefined || indices === undefined)
      throw broken(`a level of format ${format} without places`);
    return { stride, size, segments, indices };
  });
}

function checkSegments(
  segments: ArrayLike<number>,
  indices: ArrayLike<number>,
  parents: number,
  size: number,
): void {
  if (segments.length !== parents + 1) throw broken(`${segments.length} segments of ${parents}`);
  if (segments[0] !== 0 || segments[parents] !== indices.length)
    throw broken(`segments that end at ${segments[parents]} of ${indices.length}`);
  for (let i = 0; i < parents; i++) {
    if (segments[i]! > segments[i + 1]!) throw broken('segments that go back');
    for (let j = segments[i]!; j < segments[i + 1]!; j++) {
      const index = indices[j]!;
      if (index < 0 || index >= size) throw broken(`place ${index} of ${size}`);
      if (j > segments[i]! && indices[j - 1]! >= index) throw broken('places that go back');
    }
  }
}

function broken(what: string): FormatError {
  return new FormatError(`a sparse tensor has ${what}`, { code: 'E_TFLITE_SPARSE' });
}
