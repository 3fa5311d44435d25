import { clamp } from './gemm.ts';
import type { ReferencesFor } from './types.ts';

/** The row that tap `tap` of an output pixel names, −1 for padding. */
const rowOf = (indirection: Int32Array, pixel: number, tap: number, taps: number): number =>
  indirection[((pixel >> 2) * taps + tap) * 4 + (pixel & 3)]!;

export const convReferences: ReferencesFor<
  | 'f32_conv'
  | 'f32_gather'
  | 'f32_patches'
  | 'f32_copy_matrix'
  | 'f32_depthwise'
  | 'f32_depthwise_3x3'
> = {
  f32_conv({ x, zero, indirection, b, bias, out }, values) {
    const { pixels, taps, channels, n, stride, ldo, low, high } = values;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let j = 0; j < n; j++) {
        let sum = bias[j]!;
        for (let tap = 0; tap < taps; tap++) {
          const row = rowOf(indirection, pixel, tap, taps);
          for (let channel = 0; channel < channels; channel++) {
            const value = row < 0 ? zero[channel]! : x[row * stride + channel]!;
            const k = tap * channels + channel;
            const weight = b[((j >> 3) * taps * channels + k) * 8 + (j & 7)]!;
            sum = Math.fround(sum + Math.fround(value * weight));
          }
        }
        out[pixel * ldo + j] = clamp(sum, low, high);
      }
    }
  },

  f32_gather({ x, indirection, out }, { pixels, taps, channels, stride }) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let tap = 0; tap < taps; tap++) {
        const row = rowOf(indirection, pixel, tap, taps);
        for (let channel = 0; channel < channels; channel++) {
          out[(pixel * taps + tap) * channels + channel] = row < 0 ? 0 : x[row * stride + channel]!;
        }
      }
    }
  },

  f32_patches({ x, out }, values) {
    const { first, outWidth, height, width, channels, kernelHeight, kernelWidth } = values;
    const { down, right, top, left } = values;
    for (let i = 0; i < out.length; i++) {
      const channel = i % channels;
      const tap = Math.floor(i / channels) % (kernelHeight * kernelWidth);
      const pixel = first + Math.floor(i / channels / kernelHeight / kernelWidth);
      const row = Math.floor(pixel / outWidth) * down - top + Math.floor(tap / kernelWidth);
      const column = (pixel % outWidth) * right - left + (tap % kernelWidth);
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      out[i] = inside ? x[(row * width + column) * channels + channel]! : 0;
    }
  },

  f32_copy_matrix({ x, out }, { rows, columns, ldx, ldo }) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++)
        out[row * ldo + column] = x[row * ldx + column]!;
    }
  },

  f32_depthwise({ x, zero, indirection, w, bias, out }, { pixels, taps, channels, low, high }) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = bias[channel]!;
        for (let tap = 0; tap < taps; tap++) {
          const row = rowOf(indirection, pixel, tap, taps);
          const value = row < 0 ? zero[channel]! : x[row * channels + channel]!;
          sum = Math.fround(sum + Math.fround(value * w[tap * channels + channel]!));
        }
        out[pixel * channels + channel] = clamp(sum, low, high);
      }
    }
  },

  f32_depthwise_3x3({ x, zero, w, bias, out }, values) {
    const { height, width, channels, outHeight, outWidth, down, right, top, left } = values;
    const inside = (at: number, size: number): boolean => at >= 0 && at < size;
    for (let i = 0; i < outHeight * outWidth * channels; i++) {
      const channel = i % channels;
      const column = Math.floor(i / channels) % outWidth;
      const row = Math.floor(i / channels / outWidth);
      let sum = bias[channel]!;
      for (let tap = 0; tap < 9; tap++) {
        const r = row * down - top + Math.floor(tap / 3);
        const c = column * right - left + (tap % 3);
        const at = (r * width + c) * channels + channel;
        const value = inside(r, height) && inside(c, width) ? x[at]! : zero[channel]!;
        sum = Math.fround(sum + Math.fround(value * w[tap * channels + channel]!));
      }
      out[i] = clamp(sum, values.low, values.high);
    }
  },
};
