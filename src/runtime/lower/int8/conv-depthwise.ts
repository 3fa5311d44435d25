import { padded } from '../../../kernels/int8/panels.ts';
import { slackBytes } from '../../../kernels/int8/product.ts';
import { align } from '../operands.ts';
import { frameOf } from './frame.ts';
import { type Int8Job, type Int8Kind, packNumbers, requantizeStep } from './job.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 16;

/** Each channel by itself: an image is widened to 16 bits once, with its padding around it, so that taps are at the
 *  same distance from every pixel. */
export function depthwise(job: Int8Job): Int8Kind {
  const { c, geometry, from, bias } = job;
  const { arena, simd } = c.backend;
  const { batch, channels, output } = geometry;
  const {
    sample,
    whole,
    isPadded: isFramed,
    line: row,
    lines,
    outLines,
    step,
    taps,
  } = frameOf(geometry);
  const width = output.at(-1)!;
  const together = Math.min(
    outLines.length,
    Math.max(1, Math.floor(blockBytes / 4 / channels / width)),
  );
  const pairs = Math.ceil(taps.length / 2);
  const numbers = Int32Array.from({ length: 2 * pairs }, (_, i) => taps[i] ?? 0);
  const offsets = packNumbers(c, 'offsets', job.rule, numbers);
  const first = Int32Array.from({ length: padded(channels) }, (_, i) => bias?.[i] ?? 0);
  const init = packNumbers(c, 'depthwise init', job.rule, first);
  const zero = packNumbers(c, 'zero point', job.rule, Int32Array.of(from.zero, 0));
  const wideBytes = align(2 * whole + slackBytes);
  const requantize = requantizeStep(job);
  const unsigned = from.unsigned ? 1 : 0;
  return {
    kernel: 'q8_depthwise',
    scratchBytes: wideBytes + 4 * channels * width * together,
    bind(x, y, wide) {
      const { address } = job.weights().depthwise!;
      const sums = wide + wideBytes;
      const [o, i, z] = [offsets.address, init.address, zero.address];
      return () => {
        if (isFramed) arena.views().i16.fill(0, wide >>> 1, (wide >>> 1) + whole);
        for (let image = 0; image < batch; image++) {
          const source = x + image * sample;
          if (!isFramed) simd.q8_widen_rows(source, wide, z, 1, sample, unsigned);
          else {
            for (const [start, to] of lines)
              simd.q8_widen_rows(source + start, wide + 2 * to, z, 1, row, unsigned);
          }
          for (let line = 0; line < outLines.length; line += together) {
            const count = Math.min(together, outLines.length - line);
            for (let k = 0; k < count; k++) {
              const at = wide + 2 * outLines[line + k]!;
              const to = sums + 4 * channels * width * k;
              simd.q8_depthwise(at, o, address, i, to, width, step, pairs, channels);
            }
            const to = y + (image * outLines.length + line) * width * channels;
            requantize(sums, to, count * width, channels);
          }
        }
      };
    },
  };
}
