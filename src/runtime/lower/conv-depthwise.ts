import { blocksOf } from './conv-blocks.ts';
import { all, finish, type Job, type Kind, limits, packBias } from './conv-job.ts';
import { copyStep } from './copy.ts';
import type { Step } from './lowering.ts';
import { product } from './operands.ts';

/** Each channel by itself; where one has several outputs, it is repeated in scratch. */
export function depthwise(job: Job): Kind {
  const { c, geometry } = job;
  const { batch, channels, outChannels, kernel, input, output, strides, begins } = geometry;
  const { simd, arena } = c.backend;
  const taps = product(kernel);
  const bias = packBias(c, { ...geometry, groups: 1 });
  const weights = c.pack('depthwise', [1], 4 * taps * outChannels, (address) => {
    const lying = c.knownIn(1, [1, ...kernel.map((_, i) => i + 2), 0]);
    if (lying !== null) {
      arena.views().f32.set(lying.data as Float32Array, address >>> 2);
      return;
    }
    const w = c.known(1)!.data as Float32Array;
    const { f32 } = arena.views();
    for (let o = 0; o < outChannels; o++) {
      for (let tap = 0; tap < taps; tap++)
        f32[(address >>> 2) + tap * outChannels + o] = w[o * taps + tap]!;
    }
  });
  const [low, high] = limits(job);
  const [inPixels, outPixels] = [product(input), product(output)];
  const times = outChannels / channels;
  const square = kernel.length === 2 && kernel.every((size) => size === 3);
  const isSquare = square && geometry.dilations.every((step) => step === 1);
  const blocks = isSquare ? null : blocksOf(job);
  const zeroBytes = Math.ceil((4 * outChannels) / 64) * 64;
  const repeated = times === 1 ? 0 : 4 * inPixels * outChannels;
  return {
    kernel: isSquare ? 'f32_depthwise_3x3' : 'f32_depthwise',
    scratchBytes: zeroBytes + repeated,
    bind({ x, y, addend, scratch }) {
      const [w, offsets] = [weights.address, bias.address];
      const steps: Step[] = [
        () => {
          arena.views().f32.fill(0, scratch >>> 2, (scratch >>> 2) + outChannels);
        },
      ];
      for (let image = 0; image < batch; image++) {
        let from = x + 4 * image * inPixels * channels;
        const to = y + 4 * image * outPixels * outChannels;
        if (times > 1) {
          const copy = {
            sizes: [inPixels * channels, times],
            from: [1, 0],
            to: [times, 1],
          };
          steps.push(copyStep(c.backend, 4, copy, from, scratch + zeroBytes));
          from = scratch + zeroBytes;
        }
        if (blocks === null) {
          const [h, width] = input as [number, number];
          const [oh, ow] = output as [number, number];
          const [down, right] = strides as [number, number];
          const [top, left] = begins as [number, number];
          const start = from;
          steps.push(() =>
            simd.f32_depthwise_3x3(
              start,
              scratch,
              w,
              offsets,
              to,
              h,
              width,
              outChannels,
              oh,
              ow,
              down,
              right,
              top,
              left,
              low,
              high,
            ),
          );
        } else {
          const table = blocks.indirection.address;
          for (const block of blocks.blocks) {
            const a = from + 4 * block.origin * outChannels;
            const out = to + 4 * block.firstPixel * outChannels;
            const rows = table + 4 * block.table;
            steps.push(() =>
              simd.f32_depthwise(
                a,
                scratch,
                rows,
                w,
                offsets,
                out,
                block.pixels,
                taps,
                outChannels,
                low,
                high,
              ),
            );
          }
        }
        const at = 4 * image * outPixels * outChannels;
        const end = finish(job, y + at, addend + at, outPixels);
        if (end !== null) steps.push(end);
      }
      return all(steps);
    },
  };
}
