import type { Geometry } from '../../../kernels/geometry.ts';
import { type Panels, padded } from '../../../kernels/int8/panels.ts';
import { activationZeros, slackBytes } from '../../../kernels/int8/product.ts';
import { align, product } from '../operands.ts';
import { type Frame, frameOf } from './frame.ts';
import { type Int8Job, type Int8Kind, packNumbers, requantizeStep } from './job.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 16;

/** Output lines at the same distance from each other, whose pointers differ only by where they start. */
interface Block {
  readonly first: number;
  readonly lines: number;
}

function blocksOf({ outLines }: Frame, width: number, outChannels: number): Block[] {
  const most = Math.max(1, Math.floor(blockBytes / 4 / outChannels / width));
  const step = (outLines[1] ?? 0) - (outLines[0] ?? 0);
  const blocks: Block[] = [];
  for (let first = 0; first < outLines.length; ) {
    let lines = 1;
    while (
      lines < most &&
      first + lines < outLines.length &&
      outLines[first + lines]! - outLines[first + lines - 1]! === step
    )
      lines++;
    blocks.push({ first, lines });
    first += lines;
  }
  return blocks;
}

/** How many stretches a pixel's taps are, and how many values are side by side in each. */
export function tapsOf({ kernel, dilations, channels, groups }: Geometry): {
  taps: number;
  inner: number;
} {
  const last = kernel.at(-1)!;
  const [taps, inner] = [product(kernel), channels / groups];
  if (groups > 1 || (last > 1 && dilations.at(-1) !== 1)) return { taps, inner };
  return { taps: taps / last, inner: inner * last };
}

/** Products of what pointers lead to. They count from the first pixel of a block of lines, so that all blocks share
 *  them; the image lies in a frame with its padding. */
export function dense(job: Int8Job): Int8Kind {
  const { c, engine, geometry, from, bias, rule } = job;
  const { arena, simd } = c.backend;
  const { batch, channels, outChannels, groups, kernel, output } = geometry;
  const frame = frameOf(geometry);
  // Taps of a line that lie side by side are one longer one.
  const { taps: count, inner } = tapsOf(geometry);
  const taps = frame.taps.filter((_, i) => i % (product(kernel) / count) === 0);
  const n = outChannels / groups;
  const width = engine.activationBytes;
  const outWidth = output.at(-1)!;
  const blocks = blocksOf(frame, outWidth, outChannels);
  const together = blocks.reduce((most, { lines }) => Math.max(most, lines), 1);
  const pointers = pointersOf(job, frame, taps, together);
  // Levels that are as the product wants them, and that have no padding, are read where they are.
  const isFlipped = width === 1 && engine.unsigned !== from.unsigned;
  const isDirect = width === 1 && !isFlipped && !frame.isPadded;
  const zero = activationZeros(engine, Int32Array.of(from.zero), from.unsigned)[0]!;
  const frameBytes = isDirect ? 0 : align(frame.whole * width + slackBytes + channels);
  const widenedBytes = engine.group === 2 ? 32 * count * Math.ceil(inner / 2) : 0;
  const most = together * outWidth;
  const correctionBytes = job.isCentered ? 0 : align(8 * most);
  const requantize = requantizeStep(job);
  // What has no corrections becomes levels in the tiles of the product.
  const isWhole = job.isCentered && rule.scales !== null && most > 1;
  const sumBytes = isWhole ? 0 : align(4 * outChannels * most);
  const own = packNumbers(c, 'zero point', job.rule, Int32Array.of(from.zero, 0));
  const pixels = frame.outLines.length * outWidth;
  return {
    kernel: `q8_conv ${engine.mode}`,
    scratchBytes: frameBytes + sumBytes + align(widenedBytes) + correctionBytes,
    bind(x, y, scratch) {
      const weights = job.weights();
      const sums = scratch + frameBytes;
      const widened = sums + sumBytes;
      const runs = weights.groups.map((panels, group) => {
        const init = new Int32Array(padded(n));
        for (let j = 0; j < n; j++)
          init[j] = (bias?.[group * n + j] ?? 0) - Math.imul(zero, panels.sums[j]!);
        const correction = correctionOf(job, panels, zero, group);
        return {
          panels,
          init: packNumbers(c, `init ${group}`, job.rule, init).address,
          correction,
          scales: isWhole ? scalesOf(job, group, n) : 0,
        };
      });
      // Sums of activations follow zeros, whatever the number of pixels.
      const rowSums = widened + align(widenedBytes) + 4 * most;
      const table = pointers.address;
      const zeros = own.address;
      const padding = zero & 255;
      const mask = isFlipped ? 128 : 0;
      const widen = from.unsigned ? 1 : 0;
      const prepare = (source: number): number => {
        if (isDirect) return source;
        for (const { from: first, to, lines, line, around } of frame.parts) {
          const [target, at] = [scratch + to * width, source + first];
          if (width === 2)
            simd.q8_widen_frame(at, target, lines, line, ...around, job.from.zero, widen);
          else simd.x8_frame(at, target, lines, line, ...around, padding, mask);
        }
        return scratch;
      };
      return () => {
        if (!job.isCentered) arena.views().i32.fill(0, (rowSums >>> 2) - most, rowSums >>> 2);
        for (let image = 0; image < batch; image++) {
          const base = prepare(x + image * frame.sample);
          for (const { first, lines } of blocks) {
            const start = base + frame.outLines[first]! * width;
            const some = lines * outWidth;
            for (let group = 0; group < runs.length; group++) {
              const { panels, init, correction, scales } = runs[group]!;
              const offset = start + group * (channels / groups) * width;
              if (isWhole) {
                engine.levelGemm(
                  table,
                  offset,
                  panels.address,
                  init,
                  scales,
                  y + (image * pixels + first * outWidth) * outChannels + group * n,
                  some,
                  n,
                  count,
                  inner,
                  outChannels,
                  rule.zero,
                  rule.lo,
                  rule.hi,
                  widened,
                );
                continue;
              }
              const to = sums + 4 * group * n;
              if (correction === null) {
                engine.igemm(
                  table,
                  offset,
                  panels.address,
                  init,
                  to,
                  zeros,
                  zeros,
                  some,
                  n,
                  count,
                  inner,
                  outChannels,
                  0,
                  widened,
                );
                continue;
              }
              engine.igemm(
                table,
                offset,
                panels.ones,
                correction.init,
                rowSums,
                zeros,
                zeros,
                some,
                1,
                count,
                inner,
                1,
                0,
                widened,
              );
              engine.igemm(
                table,
                offset,
                panels.address,
                init,
                to,
                rowSums - 4 * some,
                correction.columns,
                some,
                n,
                count,
                inner,
                outChannels,
                1,
                widened,
              );
            }
            if (isWhole) continue;
            const to = y + (image * pixels + first * outWidth) * outChannels;
            requantize(sums, to, some, outChannels);
          }
        }
      };
    },
  };
}

/** Scales of a group's sums, in whole panels. */
function scalesOf({ c, rule }: Int8Job, group: number, n: number): number {
  const scales = new Float32Array(padded(n));
  scales.set(rule.scales!.subarray(group * n, (group + 1) * n));
  return packNumbers(c, `scales ${group}`, rule, scales).address;
}

/** What weights with zero points need: numbers from which sums of activations start, and what each column takes of
 *  them; null for weights without.
 *  @param zero  of activations as the product reads them */
function correctionOf({ c, rule }: Int8Job, panels: Panels, zero: number, group: number) {
  const { zeros, n, taps, k } = panels;
  if (zeros === null) return null;
  const columns = new Int32Array(2 * padded(n));
  for (let j = 0; j < n; j++) columns[padded(n) + j] = -zeros[j]!;
  const init = new Int32Array(8);
  init[0] = -Math.imul(zero, taps * k);
  return {
    init: packNumbers(c, `row init ${group}`, rule, init).address,
    columns: packNumbers(c, `columns ${group}`, rule, columns).address,
  };
}

/** Where the taps of the pixels of some lines lie, from the first pixel on, in bytes. */
function pointersOf(
  { c, engine, geometry }: Int8Job,
  frame: Frame,
  taps: readonly number[],
  lines: number,
) {
  const { outLines, step } = frame;
  const outWidth = geometry.output.at(-1)!;
  const width = engine.activationBytes;
  const down = (outLines[1] ?? 0) - (outLines[0] ?? 0);
  const key = `pointers ${[width, lines, outWidth, down, step, ...taps].join(' ')}`;
  return c.pack(key, [1], 4 * lines * outWidth * taps.length, (address) => {
    const { i32 } = c.backend.arena.views();
    let at = address >>> 2;
    for (let line = 0; line < lines; line++) {
      for (let pixel = 0; pixel < outWidth; pixel++) {
        for (const tap of taps) i32[at++] = (line * down + pixel * step + tap) * width;
      }
    }
  });
}
