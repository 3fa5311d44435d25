import type { DepthwiseDot } from '../../../kernels/int8/engine.ts';
import { padded } from '../../../kernels/int8/panels.ts';
import { activationZeros, slackBytes } from '../../../kernels/int8/product.ts';
import type { Step } from '../lowering.ts';
import { align, product } from '../operands.ts';
import { depthwiseWeight } from './depthwise-weight.ts';
import { frameOf } from './frame.ts';
import { type Int8Job, type Int8Kind, packNumbers } from './job.ts';

/** Taps of a product, one below the other. */
const together = 4;

/** Whether the integer dot product takes the weights: 8 bits, one output a channel, two axes. */
export function takesDepthwiseDot({ engine, geometry, rule, isCentered }: Int8Job): boolean {
  const { kernel, channels, outChannels } = geometry;
  if (engine.depthwiseDot === null || rule.scales === null || !isCentered) return false;
  return kernel.length === 2 && channels === outChannels;
}

/** Each channel by itself, four taps below each other at a time. */
export function depthwiseDot(job: Int8Job, run: DepthwiseDot): Int8Kind {
  const { c, engine, geometry, from, rule, bias } = job;
  const { simd, arena } = c.backend;
  const { batch, channels, kernel, output } = geometry;
  const [height, taps] = kernel as [number, number];
  const [outHeight, outWidth] = output as [number, number];
  const frame = frameOf(geometry);
  const groups = Math.ceil(height / together);
  const line = (outWidth - 1) * frame.step + frame.taps[taps - 1]! + channels;
  const rowStep = height > 1 ? frame.taps[taps]! : 0;
  const lineStep = (frame.outLines[1] ?? 0) - frame.outLines[0]!;
  const isFlipped = engine.unsigned !== from.unsigned;
  const isDirect = !isFlipped && !frame.isPadded;
  const frameBytes = isDirect ? 0 : align(frame.whole + slackBytes);
  const zero = activationZeros(engine, Int32Array.of(from.zero), from.unsigned)[0]!;
  const count = groups * taps;
  const weights = c.pack('depthwise dot', [1], 32 * count * (padded(channels) / 8), (address) => {
    const weight = depthwiseWeight(job, height * taps);
    const { i8 } = arena.views();
    let at = address;
    for (let panel = 0; panel < channels; panel += 8)
      for (let i = 0; i < count; i++)
        for (let channel = panel; channel < panel + 8; channel++)
          for (let part = 0; part < together; part++) {
            const row = Math.floor(i / taps) * together + part;
            const exists = channel < channels && row < height;
            i8[at++] = exists ? weight(channel, row * taps + (i % taps)) : 0;
          }
  });
  const places = Int32Array.from(
    { length: count },
    (_, i) => 4 * (Math.floor(i / taps) * line + frame.taps[i % taps]!),
  );
  const offsets = packNumbers(c, 'depthwise dot offsets', rule, places);
  const factors = Float32Array.from({ length: padded(channels) }, (_, i) => rule.scales![i] ?? 0);
  const scales = packNumbers(c, 'depthwise scales', rule, factors);
  /** What sums begin with: less what zero points add. */
  const initOf = (): number => {
    const weight = depthwiseWeight(job, height * taps);
    const first = Int32Array.from({ length: padded(channels) }, (_, channel) => {
      if (channel >= channels) return 0;
      let sum = 0;
      for (let tap = 0; tap < height * taps; tap++) sum += weight(channel, tap);
      return (bias?.[channel] ?? 0) - Math.imul(zero, sum);
    });
    return packNumbers(c, 'depthwise dot init', rule, first).address;
  };
  const size = product(output) * channels;
  return {
    kernel: `q8_depthwise ${engine.mode}`,
    scratchBytes: frameBytes + align(4 * groups * line + 32),
    bind(x, y, scratch) {
      const [w, o, i, s] = [weights.address, offsets.address, initOf(), scales.address];
      const lines = scratch + frameBytes;
      const steps: Step[] = [];
      for (let image = 0; image < batch; image++) {
        const source = x + image * frame.sample;
        if (!isDirect) {
          for (const { from: first, to, lines: rows, line: row, around } of frame.parts) {
            const [at, target] = [source + first, scratch + to];
            const mask = isFlipped ? 128 : 0;
            steps.push(() => simd.x8_frame(at, target, rows, row, ...around, zero & 255, mask));
          }
        }
        const start = (isDirect ? source : scratch) + frame.outLines[0]!;
        steps.push(() =>
          run(
            start,
            o,
            w,
            i,
            s,
            y + image * size,
            lines,
            outHeight,
            lineStep,
            height,
            rowStep,
            outWidth,
            frame.step,
            count,
            channels,
            line,
            rule.zero,
            rule.lo,
            rule.hi,
          ),
        );
      }
      return () => {
        for (const step of steps) step();
      };
    },
  };
}
