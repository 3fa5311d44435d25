import type { ConvTransposeOptions } from '../../kernels/conv.ts';
import { packStrip, paddedColumns, panelColumns } from '../../kernels/packed.ts';
import type { Activation } from './activation.ts';
import { copyStep } from './copy.ts';
import type { LowerContext, Lowered, Step } from './lowering.ts';
import { product } from './operands.ts';

/** Whether the windows of the results do not overlap: every result comes of one pixel and one tap. */
export function isDisjoint({ weightShape, strides, ...rest }: ConvTransposeOptions): boolean {
  const { dilations = [], pads = [], outputPadding = [], groups = 1 } = rest;
  const kernel = weightShape.slice(1, -1);
  return (
    groups === 1 &&
    kernel.length === 2 &&
    kernel.every((size, axis) => size === (strides?.[axis] ?? 1)) &&
    dilations.every((step) => step === 1) &&
    [...pads, ...outputPadding].every((size) => size === 0)
  );
}

/** All taps of all pixels as one product of matrices, then each to its place. Channels are last. */
export function disjoint(
  c: LowerContext,
  { shape, weightShape }: ConvTransposeOptions,
  { min, max, kernel: after }: Activation,
): Lowered {
  const [batch, h, w, channels] = shape as [number, number, number, number];
  const [outChannels, kh, kw] = weightShape as [number, number, number];
  const { simd, arena } = c.backend;
  const n = kh * kw * outChannels;
  const columns = paddedColumns(n);
  const weights = c.pack('conv transposed', [1], 4 * channels * columns, (address) => {
    const given = c.known(1)!.data as Float32Array;
    // [C, M, taps] → [C, taps, M]
    const b = new Float32Array(given.length);
    const taps = kh * kw;
    for (let i = 0; i < channels; i++)
      for (let m = 0; m < outChannels; m++)
        for (let tap = 0; tap < taps; tap++)
          b[i * n + tap * outChannels + m] = given[(i * outChannels + m) * taps + tap]!;
    packStrip({ b, k: channels, n }, 0, channels, address);
  });
  const owner = c.inputs[2] == null ? 1 : 2;
  const bias = c.pack(`bias of ${kh * kw} taps, ${owner}`, [owner], 4 * columns, (address) => {
    const given = owner === 2 ? (c.known(2)!.data as Float32Array) : null;
    const { f32 } = arena.views();
    for (let j = 0; j < columns; j++)
      f32[(address >>> 2) + j] = j < n ? (given?.[j % outChannels] ?? 0) : 0;
  });
  // A line of the image at a time: its products are still in the cache when they are moved.
  const run = kw * outChannels;
  const copy = {
    sizes: [kh, w, run],
    from: [run, kh * run, 1],
    to: [w * run, run, 1],
  };
  return {
    kernel: 'f32_gemm transposed',
    reads: [0],
    scratchBytes: 4 * w * n,
    bind(at) {
      const [x, y, products] = [at.input(0), at.output(0), at.scratch];
      const [b, o] = [weights.address, bias.address];
      const size = product([batch, h, kh, w, run]);
      const steps: Step[] = [];
      for (let line = 0; line < batch * h; line++) {
        const from = x + 4 * line * w * channels;
        const move = copyStep(c.backend, 4, copy, products, y + 4 * line * kh * w * run);
        steps.push(() => {
          const ldb = panelColumns * channels;
          simd.f32_gemm(from, b, o, products, w, n, channels, channels, ldb, n, 0, min, max);
          move();
        });
      }
      return () => {
        for (const step of steps) step();
        after?.(simd, y, y, size);
      };
    },
  };
}
