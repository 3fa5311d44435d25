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
  checkFloats,
  formatOf,
  type IntegerFormat,
  partElements,
  type QuantizedArray,
  type QuantizedType,
  quantizedTypes,
  resultArray,
} from './types.ts';

export interface QuantizeOptions<T extends QuantizedType = QuantizedType>
  extends QuantizationParameters {
  /** Type of the levels. */
  type: T;
  /** Array for the result; default a new one, which takes longer than the conversion. */
  output?: QuantizedArray<T> | undefined;
}

/** Levels of an array: saturate(rint(x / scale) + zeroPoint), bit for bit ONNX QuantizeLinear.
 *  The division is a division, rounding is half to even, the zero point is added after rounding.
 *  ±Infinity saturates; NaN becomes the lowest level, as in onnxruntime's
 *  8 and 16 bit kernels (the standard leaves it open).
 *  @param x        row-major elements, any length
 *  @param options  scale, zero point and type; the shape and an axis where there are several scales
 *  @returns        the output: x.length levels, or ceil(x.length / 2) bytes of them for int4 and uint4
 *  @throws {TypeError} x or output of another class; several scales without a shape
 *  @throws {RangeError} a scale of 0 or not finite, a zero point outside of the type, sizes that don't fit
 *  Cost O(n), near a memory copy; takes at most 3 MB of WebAssembly memory. Deterministic.
 *  Source: ONNX QuantizeLinear-25. */
export function quantize<T extends QuantizedType>(
  x: Float32Array,
  options: QuantizeOptions<T>,
): QuantizedArray<T> {
  checkFloats('x', x);
  const format = formatOf(options.type, quantizedTypes);
  const parameters = resolveParameters(x.length, options, format);
  const loaded = backend();
  const { arena, simd } = loaded;
  const kernels = kernelsOf(simd, format);
  const { packed, bytes, view } = format;
  const length = packed ? Math.ceil(x.length / 2) : x.length;
  const result = resultArray(options.output, format.array, length);
  // A part of packed levels that starts in the middle of a byte takes the level before it along.
  let before = 0;
  eachPart(parameters.layout, partElements, (part, at, cell) => {
    const count = elementsOf(part);
    const odd = packed ? at & 1 : 0;
    const levels = count + odd;
    arena.withScratch(
      [4 * count, bytes * levels, packed ? levels : 0],
      (input, output, nibbles) => {
        arena.views().f32.set(x.subarray(at, at + count), input >>> 2);
        convertPart(loaded, kernels, part, input, output + odd, parameters, cell);
        const views = arena.views();
        if (packed) {
          if (odd === 1) views.u8[output] = before;
          before = views.u8[output + levels - 1]!;
          simd.x4_pack(output, nibbles, levels);
          result.set(views.u8.subarray(nibbles, nibbles + Math.ceil(levels / 2)), at >> 1);
        } else {
          const first = output / bytes;
          result.set(views[view].subarray(first, first + count), at);
        }
      },
    );
  });
  return result as QuantizedArray<T>;
}

function kernelsOf(simd: SimdKernels, { bytes, min, max }: IntegerFormat): ConversionKernels {
  const runs = bytes === 1 ? simd.f32_q8_runs : simd.f32_q16_runs;
  const rows = bytes === 1 ? simd.f32_q8_rows : simd.f32_q16_rows;
  return {
    inputBytes: 4,
    outputBytes: bytes,
    runs: (x, y, s, z, outer, length, block, shared) =>
      runs(x, y, s, z, outer, length, block, shared, min, max),
    rows: (x, y, s, z, outer, length, block, unit) =>
      rows(x, y, s, z, outer, length, block, unit, min, max),
  };
}
