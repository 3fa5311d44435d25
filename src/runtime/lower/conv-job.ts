import type { Geometry } from '../../kernels/geometry.ts';
import { packStrip, paddedColumns } from '../../kernels/packed.ts';
import type { Activation } from './activation.ts';
import type { LowerContext, Packed, Step } from './lowering.ts';
import { product } from './operands.ts';

/** What a convolution runs with, besides its images. */
export interface Job {
  readonly c: LowerContext;
  readonly geometry: Geometry;
  readonly activation: Activation;
  readonly bias: Packed;
  /** Whether a residual is added before the activation. */
  readonly hasAddend: boolean;
}

/** x, y and addend of one call. */
export interface Places {
  readonly x: number;
  readonly y: number;
  readonly addend: number;
  readonly scratch: number;
}

/** How a kind of convolution runs on channels-last images. */
export interface Kind {
  readonly kernel: string;
  readonly scratchBytes: number;
  bind(places: Places): Step;
}

/** Bias of each group in whole panels. */
export function packBias(c: LowerContext, { outChannels, groups }: Geometry): Packed {
  const n = outChannels / groups;
  const columns = paddedColumns(n);
  const bytes = 4 * groups * columns;
  const owner = c.inputs[2] == null ? 1 : 2;
  return c.pack(`bias ${groups} ${owner}`, [owner], bytes, (address) => {
    const { f32 } = c.backend.arena.views();
    const start = address >>> 2;
    f32.fill(0, start, start + groups * columns);
    if (c.inputs[2] == null) return;
    const bias = c.known(2)!.data as Float32Array;
    for (let g = 0; g < groups; g++)
      f32.set(bias.subarray(g * n, (g + 1) * n), start + g * columns);
  });
}

/** Weights of each group as the product's kernel reads them: [taps, channels] deep. */
export function packWeights({ c, geometry }: Job): Packed {
  const { outChannels, channels, groups, kernel } = geometry;
  const taps = product(kernel);
  const inner = channels / groups;
  const n = outChannels / groups;
  const depth = taps * inner;
  const columns = paddedColumns(n);
  return c.pack(`conv ${groups}`, [1], 4 * groups * depth * columns, (address) => {
    const w = lastWeights(c, outChannels, inner, taps);
    for (let g = 0; g < groups; g++) {
      const b = w.subarray(g * n * depth, (g + 1) * n * depth);
      packStrip({ b, k: depth, n, transposed: true }, 0, depth, address + 4 * g * depth * columns);
    }
  });
}

/** Weights of a convolution as [M, taps, I]: as the file has them, if it has them so. */
export function lastWeights(c: LowerContext, m: number, inner: number, taps: number): Float32Array {
  const lying = c.knownIn(1, channelsLastOrder(c.inputs[1]!.dims.length));
  if (lying !== null) return lying.data as Float32Array;
  return channelsLastWeights(c.known(1)!.data as Float32Array, m, inner, taps);
}

/** [M, I, …taps] → [M, …taps, I] as a permutation of axes. */
export function channelsLastOrder(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}

/** [M, I, taps] → [M, taps, I] */
function channelsLastWeights(
  w: Float32Array,
  m: number,
  inner: number,
  taps: number,
): Float32Array {
  if (taps === 1 || inner === 1) return w;
  const turnedAround = new Float32Array(w.length);
  let at = 0;
  for (let o = 0; o < m; o++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < inner; i++) turnedAround[at++] = w[(o * inner + i) * taps + tap]!;
    }
  }
  return turnedAround;
}

/** What is done to finished pixels: the residual, and an activation that the kernel doesn't have. */
export function finish(job: Job, y: number, addend: number, pixels: number): Step | null {
  const { c, geometry, activation, hasAddend } = job;
  const { kernel, min, max } = activation;
  const count = pixels * geometry.outChannels;
  const { simd } = c.backend;
  const isClipped = hasAddend && (min > -Infinity || max < Infinity);
  if (!hasAddend && kernel === null) return null;
  return () => {
    if (hasAddend) simd.f32_add(y, addend, y, 1, count, 0);
    if (isClipped) simd.f32_clip(y, y, count, min, max);
    if (kernel !== null) kernel(simd, y, y, count);
  };
}

/** Limits that the kernel applies: none before a residual is added. */
export const limits = ({ activation, hasAddend }: Job): [number, number] =>
  hasAddend ? [-Infinity, Infinity] : [activation.min, activation.max];

/** One step of several. */
export function all(steps: readonly Step[]): Step {
  if (steps.length === 1) return steps[0]!;
  return () => {
    for (const step of steps) step();
  };
}

const zeroOwner = {};

/** A zero for every output channel, in whole panels. */
export function zerosFor({ c, geometry }: Job): Packed {
  const columns = paddedColumns(geometry.outChannels);
  return c.pack(`zeros ${columns}`, [zeroOwner], 4 * columns, (address) => {
    c.backend.arena.views().f32.fill(0, address >>> 2, (address >>> 2) + columns);
  });
}
