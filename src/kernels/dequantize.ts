import { byteLengthOf } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import type { SimdKernels } from '../wasm/kernels.ts';
import { backend } from '../wasm/load.ts';
import { eachPart, elementsOf } from './layout.ts';
import {
  type ConversionKernels,
  convertPart,
  type QuantizationParameters,
  resolveParameters,
} from './parameters.ts';
import {
  formatOf,
  type IntegerFormat,
  partElements,
  type QuantizedType,
  quantizedTypes,
  resultArray,
} from './types.ts';

export interface DequantizeOptions extends QuantizationParameters {
  /** Type of the levels; default that of the array. Needed for int4 and uint4, which are packed in bytes. */
  type?: QuantizedType | 'int32' | undefined;
  /** Number of elements; default what the shape or the array says. An odd count of 4-bit levels needs one. */
  length?: number | undefined;
  /** Array for the result; default a new one, which takes longer than the conversion. */
  output?: Float32Array<ArrayBuffer> | undefined;
}

type Levels = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array;

const floats: new (length: number) => Float32Array<ArrayBuffer> = Float32Array;
const types: readonly string[] = [...quantizedTypes, 'int32'];

/** Values of levels: (q − zeroPoint) · scale in float32, bit for bit ONNX DequantizeLinear.
 *  @param q        row-major levels, any length
 *  @param options  scale and zero point as for `quantize`; type and length for packed levels
 *  @returns        the output: the values
 *  @throws {TypeError} q is not an integer array, or not the type's; several scales without a shape
 *  @throws {RangeError} a scale of 0 or not finite, a zero point outside of the type, sizes that don't fit
 *  Cost O(n), near a memory copy; takes at most 3 MB of WebAssembly memory. Deterministic.
 *  Source: ONNX DequantizeLinear-25. */
export function dequantize(q: Levels, options: DequantizeOptions): Float32Array<ArrayBuffer> {
  const type = options.type ?? typeOf(q);
  const format = formatOf(type, types);
  if (!(q instanceof format.array)) throw typeError('q', `a ${format.array.name} for ${type}`, q);
  const count = countOf(q, format, options);
  const parameters = resolveParameters(count, options, format);
  const loaded = backend();
  const { arena, simd } = loaded;
  const kernels = kernelsOf(simd, format);
  const { packed, bytes, view, unsigned } = format;
  const result = resultArray(options.output, floats, count);
  eachPart(parameters.layout, partElements, (part, at, cell) => {
    const size = elementsOf(part);
    // A part of packed levels that starts in the middle of a byte skips the level before it.
    const odd = packed ? at & 1 : 0;
    const levels = size + odd;
    arena.withScratch([bytes * levels, packed ? levels : 0, 4 * size], (input, nibbles, output) => {
      const views = arena.views();
      if (packed) {
        views.u8.set(q.subarray(at >> 1, (at >> 1) + Math.ceil(levels / 2)), nibbles);
        simd.x4_unpack(nibbles, input, levels, 1 - unsigned);
      } else {
        views[view].set(q.subarray(at, at + size), input / bytes);
      }
      convertPart(loaded, kernels, part, input + odd, output, parameters, cell);
      result.set(arena.views().f32.subarray(output >>> 2, (output >>> 2) + size), at);
    });
  });
  return result;
}

function typeOf(q: unknown): QuantizedType | 'int32' {
  if (q instanceof Int8Array) return 'int8';
  if (q instanceof Uint8Array) return 'uint8';
  if (q instanceof Int16Array) return 'int16';
  if (q instanceof Uint16Array) return 'uint16';
  if (q instanceof Int32Array) return 'int32';
  throw typeError('q', 'an Int8Array, Uint8Array, Int16Array, Uint16Array or Int32Array', q);
}

function countOf(
  q: ArrayLike<number>,
  { packed }: IntegerFormat,
  options: DequantizeOptions,
): number {
  const { shape, length } = options;
  const count = length ?? (shape === undefined ? (packed ? 2 : 1) * q.length : volume(shape));
  if (!Number.isSafeInteger(count) || count < 0)
    throw rangeError('length', 'an integer ≥ 0', count);
  const expected = packed ? byteLengthOf('int4', count) : count;
  if (q.length !== expected) {
    throw rangeError('q', `${expected} array elements for ${count} levels`, q.length);
  }
  return count;
}

function kernelsOf(
  simd: SimdKernels,
  { bytes, packed, unsigned }: IntegerFormat,
): ConversionKernels {
  const sizes = { inputBytes: bytes, outputBytes: 4 };
  if (bytes === 4) return { ...sizes, runs: simd.q32_f32_runs, rows: simd.q32_f32_rows };
  const runs = bytes === 1 ? simd.q8_f32_runs : simd.q16_f32_runs;
  const rows = bytes === 1 ? simd.q8_f32_rows : simd.q16_f32_rows;
  // Unpacked 4-bit levels are small signed bytes, whatever they were.
  const flip = packed ? 0 : unsigned;
  return {
    ...sizes,
    runs: (x, y, s, z, outer, length, block, shared) =>
      runs(x, y, s, z, outer, length, block, shared, flip),
    rows: (x, y, s, z, outer, length, block, unit) =>
      rows(x, y, s, z, outer, length, block, unit, flip),
  };
}
