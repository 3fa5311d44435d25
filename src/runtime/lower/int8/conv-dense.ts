import { convTables } from '../../../kernels/geometry.ts';
import { padded } from '../../../kernels/int8/panels.ts';
import { writePointers } from '../../../kernels/int8/pointers.ts';
import { activationZeros, slackBytes } from '../../../kernels/int8/product.ts';
import type { Step } from '../lowering.ts';
import { product } from '../operands.ts';
import { align, type Int8Job, type Int8Kind, packNumbers, requantizeStep } from './job.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 16;
/** Bytes of pointers that are kept; of larger images they are written at every run. */
const mostPointerBytes = 2 ** 20;

/** Whether an image's pointers are few enough to be kept. */
export function hasFewPointers({ geometry }: Int8Job): boolean {
  return 4 * product(geometry.output) * product(geometry.kernel) <= mostPointerBytes;
}

/** Products of what pointers lead to: pixels of x, or of one that is all padding behind the last one. Pointers count
 *  from the start of the image, so that they are the same wherever it lies. */
export function dense(job: Int8Job): Int8Kind {
  const { c, engine, geometry, from, bias } = job;
  const { arena, simd } = c.backend;
  const { batch, channels, outChannels, groups, kernel, input, output } = geometry;
  const taps = product(kernel);
  const inner = channels / groups;
  const n = outChannels / groups;
  const [positions, pixels] = [product(input), product(output)];
  const width = engine.activationBytes;
  const sample = positions * channels;
  const tables = convTables(geometry);
  const isPadded = tables.some(({ rows }) => rows.includes(-1));
  // Levels that are as the product wants them, and none of which is padding, are read where they are.
  const isDirect = width === 1 && engine.unsigned === from.unsigned && !isPadded;
  const step = channels * width;
  const most = Math.min(pixels, 12 * Math.max(1, Math.floor(blockBytes / 12 / 4 / outChannels)));
  const { strides, dilations, begins } = geometry;
  const key = `pointers ${[step, input, output, kernel, strides, dilations, begins].join(' ')}`;
  const pointers = c.pack(key, [1], 4 * pixels * taps, (address) => {
    const { i32 } = arena.views();
    writePointers(tables, i32, address >>> 2, 0, pixels, 0, step, sample * width);
  });
  const zero = activationZeros(engine, Int32Array.of(from.zero), from.unsigned)[0]!;
  const convert = align((sample + channels) * width + slackBytes);
  const sumBytes = align(4 * outChannels * most);
  const widenedBytes = engine.group === 2 ? 32 * taps * Math.ceil(inner / 2) : 0;
  const requantize = requantizeStep(job);
  const own = packNumbers(c, 'zero point', job.rule, Int32Array.of(from.zero, 0));
  return {
    kernel: `q8_conv ${engine.mode}`,
    scratchBytes: (isDirect ? 0 : convert) + sumBytes + align(widenedBytes),
    bind(x, y, scratch) {
      const weights = job.weights();
      const sums = scratch + (isDirect ? 0 : convert);
      const widened = sums + sumBytes;
      const runs = weights.groups.map((panels, group) => {
        const init = new Int32Array(padded(n));
        for (let j = 0; j < n; j++)
          init[j] = (bias?.[group * n + j] ?? 0) - Math.imul(zero, panels.sums[j]!);
        return { panels, init: packNumbers(c, `init ${group}`, job.rule, init).address };
      });
      const table = pointers.address;
      const zeros = own.address;
      const isUnsigned = from.unsigned ? 1 : 0;
      const padding = engine.unsigned === null ? 0 : zero & 255;
      const prepare = (image: number): number => {
        const source = x + image * sample;
        if (isDirect) return source;
        const end = scratch + sample * width;
        if (width === 2) simd.q8_widen_rows(source, scratch, zeros, 1, sample, isUnsigned);
        else if (engine.unsigned !== from.unsigned) simd.q8_flip(source, scratch, sample);
        const { u8 } = arena.views();
        if (width === 1 && engine.unsigned === from.unsigned)
          u8.copyWithin(scratch, source, source + sample);
        u8.fill(padding, end, end + channels * width);
        return scratch;
      };
      const run: Step = () => {
        for (let image = 0; image < batch; image++) {
          const base = prepare(image);
          for (let first = 0; first < pixels; first += most) {
            const some = Math.min(most, pixels - first);
            const places = table + 4 * first * taps;
            for (let group = 0; group < runs.length; group++) {
              const { panels, init } = runs[group]!;
              engine.igemm(
                places,
                base + group * inner * width,
                panels.address,
                init,
                sums + 4 * group * n,
                zeros,
                zeros,
                some,
                n,
                taps,
                inner,
                outChannels,
                0,
                widened,
              );
            }
            requantize(sums, y + (image * pixels + first) * outChannels, some, outChannels);
          }
        }
      };
      return run;
    },
  };
}
