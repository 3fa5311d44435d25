import type { Geometry } from '../../../kernels/geometry.ts';
import { padded } from '../../../kernels/int8/panels.ts';
import { slackBytes } from '../../../kernels/int8/product.ts';
import { copyStep } from '../copy.ts';
import type { Packed, Step } from '../lowering.ts';
import { align, product } from '../operands.ts';
import { depthwiseDot, takesDepthwiseDot } from './conv-depthwise-dot.ts';
import { depthwiseWeight } from './depthwise-weight.ts';
import { type Frame, frameOf } from './frame.ts';
import { type Int8Job, type Int8Kind, packNumbers, requantizeStep } from './job.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 16;

/** What a kind of kernel makes of a frame at an address. */
type Lines = (wide: number, y: number, sums: number) => Step;

/** Each channel by itself: an image is widened to 16 bits once, with its padding around it, so that taps are at the
 *  same distance from every pixel. Where a channel has several outputs, it is repeated before. */
export function depthwise(job: Int8Job): Int8Kind {
  if (takesDepthwiseDot(job)) return depthwiseDot(job, job.engine.depthwiseDot!);
  const { c, from } = job;
  const { simd } = c.backend;
  const { batch, outChannels, input } = job.geometry;
  const times = outChannels / job.geometry.channels;
  const geometry = { ...job.geometry, channels: outChannels, groups: outChannels };
  const frame = frameOf(geometry);
  const pixels = product(geometry.output);
  const wideBytes = align(2 * (frame.whole + 2 * outChannels + 8) + slackBytes);
  const { scales } = job.rule;
  const repeatedBytes = times === 1 ? 0 : align(frame.sample);
  const isSquare = scales !== null && isSquareOf(geometry);
  const make = scales === null ? bySums : isSquare ? bySquares : byTaps;
  const { lines, sumBytes } = make(job, geometry, frame);
  const unsigned = from.unsigned ? 1 : 0;
  const inPixels = product(input) * job.geometry.channels;
  return {
    kernel: isSquare ? 'q8_depthwise_3x3' : 'q8_depthwise',
    scratchBytes: wideBytes + sumBytes + repeatedBytes,
    bind(x, y, wide) {
      const steps: Step[] = [];
      const repeated = wide + wideBytes + sumBytes;
      for (let image = 0; image < batch; image++) {
        let source = x + image * inPixels;
        if (times > 1) {
          const copy = { sizes: [inPixels, times], from: [1, 0], to: [times, 1] };
          steps.push(copyStep(c.backend, 1, copy, source, repeated));
          source = repeated;
        }
        for (const { from: first, to, lines: count, line, around } of frame.parts) {
          const [start, target] = [source + first, wide + 2 * to];
          steps.push(() =>
            simd.q8_widen_frame(start, target, count, line, ...around, from.zero, unsigned),
          );
        }
        steps.push(lines(wide, y + image * pixels * outChannels, wide + wideBytes));
      }
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

function isSquareOf({ kernel, dilations, strides }: Geometry): boolean {
  const isThree = kernel.length === 2 && kernel.every((size) => size === 3);
  return isThree && dilations.every((step) => step === 1) && strides[1]! <= 2;
}

interface Made {
  readonly lines: Lines;
  readonly sumBytes: number;
}

/** Lines of the results that are as far from each other as the kernel takes them: those of a plane. */
function planesOf({ outLines }: Frame, { output }: Geometry) {
  const count = output.at(-2) ?? 1;
  const starts = outLines.filter((_, i) => i % count === 0);
  return { count, starts, lineStep: (outLines[1] ?? 0) - (outLines[0] ?? 0) };
}

/** Taps of a row that meet two values side by side: for the first of two pixels, and for the second; 3 is none. */
const pairsOfSquare = [
  [0, 1],
  [2, 3],
  [3, 0],
  [1, 2],
] as const;

/** 3 × 3 taps: two pixels at a time share what they read. */
function bySquares(job: Int8Job, geometry: Geometry, frame: Frame): Made {
  const { c, rule } = job;
  const { simd, arena } = c.backend;
  const { outChannels: n, output, strides } = geometry;
  const { count, lineStep } = planesOf(frame, geometry);
  const width = output[1]!;
  const rowStep = frame.taps[3]! - frame.taps[0]!;
  const weights = c.pack('depthwise 3x3', [1], 48 * padded(n), (address) => {
    const weight = depthwiseWeight(job, 9);
    const { i16 } = arena.views();
    let at = address >>> 1;
    for (let panel = 0; panel < n; panel += 8)
      for (let row = 0; row < 3; row++)
        for (const pair of pairsOfSquare)
          for (let channel = panel; channel < panel + 8; channel++)
            for (const tap of pair)
              i16[at++] = channel < n && tap < 3 ? weight(channel, 3 * row + tap) : 0;
  });
  const { init, scales } = parametersOf(job, n);
  return {
    sumBytes: 0,
    lines(wide, y) {
      const [w, i, s] = [weights.address, init.address, scales.address];
      return () =>
        simd.q8_depthwise_3x3(
          wide,
          w,
          i,
          s,
          y,
          count,
          lineStep,
          rowStep,
          width,
          strides[1]!,
          n,
          rule.zero,
          rule.lo,
          rule.hi,
        );
    },
  };
}

/** Any taps. */
function byTaps(job: Int8Job, geometry: Geometry, frame: Frame): Made {
  const { c, rule } = job;
  const { simd } = c.backend;
  const { outChannels: n, output } = geometry;
  const { count, starts, lineStep } = planesOf(frame, geometry);
  const width = output.at(-1)!;
  const { weights, offsets, pairs } = pairsOf(job, frame, n);
  const { init, scales } = parametersOf(job, n);
  return {
    sumBytes: 0,
    lines(wide, y) {
      const [w, o, i, s] = [weights.address, offsets.address, init.address, scales.address];
      return () => {
        let to = y;
        for (const start of starts) {
          simd.q8_depthwise_levels(
            wide + 2 * start,
            o,
            w,
            i,
            s,
            to,
            count,
            lineStep,
            width,
            frame.step,
            pairs,
            n,
            rule.zero,
            rule.lo,
            rule.hi,
          );
          to += count * width * n;
        }
      };
    },
  };
}

/** Sums first, for requantization by another rule. */
function bySums(job: Int8Job, geometry: Geometry, frame: Frame): Made {
  const { c } = job;
  const { simd } = c.backend;
  const { outChannels: n, output } = geometry;
  const width = output.at(-1)!;
  const { outLines, step } = frame;
  const most = Math.max(1, Math.floor(blockBytes / 4 / n / width));
  const together = Math.min(outLines.length, most);
  const { weights, offsets, pairs } = pairsOf(job, frame, n);
  const { init } = parametersOf(job, n);
  const requantize = requantizeStep(job);
  return {
    sumBytes: align(4 * n * width * together),
    lines(wide, y, sums) {
      const [w, o, i] = [weights.address, offsets.address, init.address];
      return () => {
        for (let line = 0; line < outLines.length; line += together) {
          const count = Math.min(together, outLines.length - line);
          for (let k = 0; k < count; k++) {
            const at = wide + 2 * outLines[line + k]!;
            simd.q8_depthwise(at, o, w, i, sums + 4 * n * width * k, width, step, pairs, n);
          }
          requantize(sums, y + line * width * n, count * width, n);
        }
      };
    },
  };
}

/** Weights in pairs of taps, and where the taps are. */
function pairsOf(job: Int8Job, { taps }: Frame, n: number) {
  const { c, rule } = job;
  const pairs = Math.ceil(taps.length / 2);
  const numbers = Int32Array.from({ length: 2 * pairs }, (_, i) => taps[i] ?? 0);
  const weights = c.pack('depthwise pairs', [1], 4 * padded(n) * pairs, (address) => {
    const weight = depthwiseWeight(job, taps.length);
    const { i16 } = c.backend.arena.views();
    let at = address >>> 1;
    for (let panel = 0; panel < n; panel += 8)
      for (let pair = 0; pair < pairs; pair++)
        for (let channel = panel; channel < panel + 8; channel++)
          for (const tap of [2 * pair, 2 * pair + 1])
            i16[at++] = channel < n ? weight(channel, tap) : 0;
  });
  return { weights, offsets: packNumbers(c, 'offsets', rule, numbers), pairs };
}

/** What sums begin with, and scales, in whole panels. */
function parametersOf({ c, rule, bias }: Int8Job, n: number): { init: Packed; scales: Packed } {
  const first = Int32Array.from({ length: padded(n) }, (_, i) => bias?.[i] ?? 0);
  const scales = Float32Array.from({ length: padded(n) }, (_, i) => rule.scales?.[i] ?? 0);
  return {
    init: packNumbers(c, 'depthwise init', rule, first),
    scales: packNumbers(c, 'depthwise scales', rule, scales),
  };
}
