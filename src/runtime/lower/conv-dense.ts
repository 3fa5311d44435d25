import { paddedColumns, panelColumns } from '../../kernels/packed.ts';
import { blocksOf } from './conv-blocks.ts';
import { all, finish, type Job, type Kind, limits, packWeights } from './conv-job.ts';
import type { Step } from './lowering.ts';
import { product } from './operands.ts';

/** Rows of a product at a time, so that what it reads and writes stays in the cache. */
const productElements = 2 ** 16;

/** One tap on the same pixel: a product of matrices. */
export function pointwise(job: Job): Kind {
  const { c, geometry, bias } = job;
  const { batch, channels, outChannels, groups } = geometry;
  const { simd } = c.backend;
  const weights = packWeights(job);
  const rows = batch * product(geometry.output);
  const [inner, n] = [channels / groups, outChannels / groups];
  const columns = paddedColumns(n);
  const [low, high] = limits(job);
  const most = Math.max(4, Math.floor(productElements / (channels + outChannels) / 4) * 4);
  return {
    kernel: 'f32_gemm',
    scratchBytes: 0,
    bind({ x, y, addend }) {
      const [w, offsets] = [weights.address, bias.address];
      const steps: Step[] = [];
      for (let row = 0; row < rows; row += most) {
        const count = Math.min(most, rows - row);
        for (let g = 0; g < groups; g++) {
          const a = x + 4 * (row * channels + g * inner);
          const b = w + 4 * g * inner * columns;
          const to = y + 4 * (row * outChannels + g * n);
          const o = offsets + 4 * g * columns;
          const ldb = panelColumns * inner;
          steps.push(() =>
            simd.f32_gemm(a, b, o, to, count, n, inner, channels, ldb, outChannels, 0, low, high),
          );
        }
        const at = 4 * row * outChannels;
        const end = finish(job, y + at, addend + at, count);
        if (end !== null) steps.push(end);
      }
      return all(steps);
    },
  };
}

/** Taps by indirection. */
export function indirect(job: Job): Kind {
  const { c, geometry, bias } = job;
  const { batch, channels, outChannels, groups, kernel, input, output } = geometry;
  const { simd, arena } = c.backend;
  const weights = packWeights(job);
  const { blocks, indirection } = blocksOf(job);
  const taps = product(kernel);
  const [inner, n] = [channels / groups, outChannels / groups];
  const columns = paddedColumns(n);
  const [low, high] = limits(job);
  const [inPixels, outPixels] = [product(input), product(output)];
  return {
    kernel: 'f32_conv',
    scratchBytes: 4 * inner,
    bind({ x, y, addend, scratch }) {
      const [w, offsets, table] = [weights.address, bias.address, indirection.address];
      const steps: Step[] = [
        () => {
          arena.views().f32.fill(0, scratch >>> 2, (scratch >>> 2) + inner);
        },
      ];
      for (let image = 0; image < batch; image++) {
        for (const block of blocks) {
          const from = x + 4 * (image * inPixels + block.origin) * channels;
          const pixel = image * outPixels + block.firstPixel;
          const rows = table + 4 * block.table;
          for (let g = 0; g < groups; g++) {
            const a = from + 4 * g * inner;
            const b = w + 4 * g * taps * inner * columns;
            const o = offsets + 4 * g * columns;
            const to = y + 4 * (pixel * outChannels + g * n);
            steps.push(() =>
              simd.f32_conv(
                a,
                scratch,
                rows,
                b,
                o,
                to,
                block.pixels,
                taps,
                inner,
                n,
                channels,
                outChannels,
                low,
                high,
              ),
            );
          }
          const at = 4 * pixel * outChannels;
          const end = finish(job, y + at, addend + at, block.pixels);
          if (end !== null) steps.push(end);
        }
      }
      return all(steps);
    },
  };
}

/** Pixels gathered at a time. */
const gatherPixels = 256;

/** Few channels: the taps of some pixels side by side, then a product. */
export function gathered(job: Job): Kind {
  const { c, geometry, bias } = job;
  const { batch, channels, outChannels, groups, kernel, input, output } = geometry;
  const { simd } = c.backend;
  const weights = packWeights(job);
  const taps = product(kernel);
  const [inner, n] = [channels / groups, outChannels / groups];
  const columns = paddedColumns(n);
  const depth = taps * inner;
  const [low, high] = limits(job);
  const [inPixels, outPixels] = [product(input), product(output)];
  const gather = gatherOf(job);
  const most = Math.min(gather.most, outPixels);
  return {
    kernel: `${gather.kernel}, f32_gemm`,
    scratchBytes: 4 * most * depth,
    bind({ x, y, addend, scratch }) {
      const [w, offsets] = [weights.address, bias.address];
      const ldb = panelColumns * depth;
      const steps: Step[] = [];
      for (let image = 0; image < batch; image++) {
        for (const { run, firstPixel, pixels } of gather.bind(
          x + 4 * image * inPixels * channels,
          scratch,
        )) {
          const pixel = image * outPixels + firstPixel;
          for (let g = 0; g < groups; g++) {
            const b = w + 4 * g * depth * columns;
            const o = offsets + 4 * g * columns;
            const to = y + 4 * (pixel * outChannels + g * n);
            steps.push(() => {
              run(g);
              simd.f32_gemm(
                scratch,
                b,
                o,
                to,
                pixels,
                n,
                depth,
                depth,
                ldb,
                outChannels,
                0,
                low,
                high,
              );
            });
          }
          const offset = 4 * pixel * outChannels;
          const end = finish(job, y + offset, addend + offset, pixels);
          if (end !== null) steps.push(end);
        }
      }
      return all(steps);
    },
  };
}

/** Some pixels whose taps are gathered together. */
interface Gathering {
  /** Gathers those of a group of channels. */
  readonly run: (group: number) => void;
  readonly firstPixel: number;
  readonly pixels: number;
}

interface Gather {
  readonly kernel: string;
  /** Pixels at a time, at most. */
  readonly most: number;
  bind(image: number, target: number): Gathering[];
}

/** By rows of a plane where taps lie side by side, else by indirection. */
function gatherOf(job: Job): Gather {
  const { c, geometry } = job;
  const { channels, groups, kernel, input, output, strides, dilations, begins } = geometry;
  const { simd } = c.backend;
  const inner = channels / groups;
  if (kernel.length === 2 && groups === 1 && dilations.every((step) => step === 1)) {
    const [h, w] = input as [number, number];
    const [kh, kw] = kernel as [number, number];
    const [down, right] = strides as [number, number];
    const [top, left] = begins as [number, number];
    const pixels = product(output);
    const width = output[1]!;
    return {
      kernel: 'f32_patches',
      most: gatherPixels,
      bind: (image, target) =>
        Array.from({ length: Math.ceil(pixels / gatherPixels) }, (_, i) => {
          const first = i * gatherPixels;
          const some = Math.min(gatherPixels, pixels - first);
          return {
            run: () =>
              simd.f32_patches(
                image,
                target,
                first,
                some,
                width,
                h,
                w,
                channels,
                kh,
                kw,
                down,
                right,
                top,
                left,
              ),
            firstPixel: first,
            pixels: some,
          };
        }),
    };
  }
  const { blocks, indirection } = blocksOf(job);
  const taps = product(kernel);
  return {
    kernel: 'f32_gather',
    most: blocks.reduce((size, { pixels }) => Math.max(size, pixels), 0),
    bind: (image, target) =>
      blocks.map(({ origin, firstPixel, pixels, table }) => {
        const rows = indirection.address + 4 * table;
        const start = image + 4 * origin * channels;
        const run = (group: number): void =>
          simd.f32_gather(start + 4 * group * inner, rows, target, pixels, taps, inner, channels);
        return { run, firstPixel, pixels };
      }),
  };
}
