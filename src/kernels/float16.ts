import { typeError } from '../core/errors.ts';
import type { SimdKernels } from '../wasm/kernels.ts';
import { backend } from '../wasm/load.ts';
import { eachPart, tensorLayout } from './layout.ts';
import { checkFloats, partElements } from './types.ts';

type Convert = (source: number, target: number, count: number) => void;

/** IEEE binary16 bit patterns of numbers: to the nearest, ties to even, beyond 65,519.99… to infinity, subnormals
 *  kept. Every NaN becomes 0x7e00.
 *  @throws {TypeError} x is not a Float32Array
 *  Cost O(n), near a memory copy. Deterministic. Source: IEEE 754-2019, 3.6 and 4.3.1. */
export function float32ToFloat16(x: Float32Array): Uint16Array<ArrayBuffer> {
  return narrow(x, (simd) => simd.f32_f16);
}

/** The numbers that IEEE binary16 bit patterns stand for, exactly. Every NaN becomes 0x7fc00000.
 *  @throws {TypeError} bits is not a Uint16Array
 *  Cost O(n), near a memory copy. Deterministic. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return widen(bits, (simd) => simd.f16_f32);
}

/** bfloat16 bit patterns of numbers: to the nearest, ties to even. Every NaN becomes 0x7fc0.
 *  @throws {TypeError} x is not a Float32Array
 *  Cost O(n), near a memory copy. Deterministic. */
export function float32ToBfloat16(x: Float32Array): Uint16Array<ArrayBuffer> {
  return narrow(x, (simd) => simd.f32_bf16);
}

/** The numbers that bfloat16 bit patterns stand for, exactly. Every NaN becomes 0x7fc00000.
 *  @throws {TypeError} bits is not a Uint16Array
 *  Cost O(n), near a memory copy. Deterministic. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return widen(bits, (simd) => simd.bf16_f32);
}

function narrow(x: Float32Array, pick: (simd: SimdKernels) => Convert): Uint16Array<ArrayBuffer> {
  checkFloats('x', x);
  const { arena, simd } = backend();
  const convert = pick(simd);
  const result = new Uint16Array(x.length);
  eachPart(tensorLayout(x.length), partElements, ({ length }, at) => {
    arena.withScratch([4 * length, 2 * length], (input, output) => {
      const views = arena.views();
      views.f32.set(x.subarray(at, at + length), input >>> 2);
      convert(input, output, length);
      result.set(views.u16.subarray(output >>> 1, (output >>> 1) + length), at);
    });
  });
  return result;
}

function widen(bits: Uint16Array, pick: (simd: SimdKernels) => Convert): Float32Array<ArrayBuffer> {
  if (!(bits instanceof Uint16Array)) throw typeError('bits', 'a Uint16Array', bits);
  const { arena, simd } = backend();
  const convert = pick(simd);
  const result = new Float32Array(bits.length);
  eachPart(tensorLayout(bits.length), partElements, ({ length }, at) => {
    arena.withScratch([2 * length, 4 * length], (input, output) => {
      const views = arena.views();
      views.u16.set(bits.subarray(at, at + length), input >>> 1);
      convert(input, output, length);
      result.set(views.f32.subarray(output >>> 2, (output >>> 2) + length), at);
    });
  });
  return result;
}
