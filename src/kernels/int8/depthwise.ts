import { volume } from '../../core/shape.ts';
import type { Geometry } from '../geometry.ts';
import { copyLevels, hasUnsigned, type Levels, type LevelsAt } from './bytes.ts';
import type { StorePixels } from './conv-run.ts';
import type { DepthwiseWeights } from './conv-weights.ts';
import type { Engine } from './engine.ts';
import { padded } from './panels.ts';
import { slackBytes } from './product.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 17;

/** A depthwise convolution: a sample is widened to 16 bits once, with its padding around it, so that taps are at
 *  the same distance from every pixel. */
export function depthwise(
  engine: Engine,
  x: Levels | LevelsAt,
  { address, pairs }: DepthwiseWeights,
  geometry: Geometry,
  zeroPoint: number,
  bias: Int32Array | null,
  store: StorePixels,
): void {
  const { arena, simd } = engine.backend;
  const { batch, channels, input, output, kernel, strides, dilations, begins } = geometry;
  const frame = input.map((size, axis) =>
    Math.max(
      begins[axis]! + size,
      (output[axis]! - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1,
    ),
  );
  /** Elements from one index of an axis to the next, in x and in the frame. */
  const spans = (sizes: readonly number[]): number[] =>
    sizes.map((_, axis) => channels * volume(sizes.slice(axis + 1)));
  const [own, framed] = [spans(input), spans(frame)];
  const width = output.at(-1)!;
  const lines = volume(output.slice(0, -1));
  const most = Math.min(lines, Math.max(1, Math.floor(blockBytes / 4 / channels / width)));
  const sample = channels * volume(input);
  const whole = channels * volume(frame);
  const sizes = [
    sample + slackBytes,
    2 * whole + slackBytes,
    8 * pairs,
    4 * padded(channels),
    4 * channels * width * most,
    4,
  ];
  arena.withScratch(sizes, (raw, wide, offsets, init, c, zero) => {
    const { i16, i32 } = arena.views();
    const reach = eachPlace(kernel, (at) => dot(at, dilations, framed));
    // The second of the last pair has weights of 0.
    for (let tap = 0; tap < 2 * pairs; tap++) i32[(offsets >>> 2) + tap] = reach[tap] ?? 0;
    for (let j = 0; j < padded(channels); j++) i32[(init >>> 2) + j] = bias?.[j] ?? 0;
    if (whole > sample) i16.fill(0, wide >>> 1, (wide >>> 1) + whole);
    i32[zero >>> 2] = zeroPoint;
    const unsigned = hasUnsigned(x) ? 1 : 0;
    const rows = whole > sample ? eachPlace(input.slice(0, -1), (at) => at) : [];
    const starts = eachPlace(output.slice(0, -1), (at) => dot(at, strides, framed));
    for (let index = 0; index < batch; index++) {
      copyLevels(arena.views().u8, x, index * sample, sample, raw);
      if (rows.length === 0) simd.q8_widen_rows(raw, wide, zero, 1, sample, unsigned);
      const row = channels * input.at(-1)!;
      for (const at of rows) {
        const to = at.reduce((sum, i, axis) => sum + (i + begins[axis]!) * framed[axis]!, 0);
        const target = wide + 2 * (to + begins.at(-1)! * channels);
        const from = raw + dot(at, null, own);
        simd.q8_widen_rows(from, target, zero, 1, row, unsigned);
      }
      const step = strides.at(-1)! * channels;
      for (let line = 0; line < lines; line += most) {
        const count = Math.min(most, lines - line);
        for (let i = 0; i < count; i++) {
          const from = wide + 2 * starts[line + i]!;
          const to = c + 4 * channels * width * i;
          simd.q8_depthwise(from, offsets, address, init, to, width, step, pairs, channels);
        }
        store(c, (index * lines + line) * width, count * width);
      }
    }
  });
}

function dot(
  at: readonly number[],
  steps: readonly number[] | null,
  spans: readonly number[],
): number {
  return at.reduce((sum, i, axis) => sum + i * (steps?.[axis] ?? 1) * spans[axis]!, 0);
}

/** What `of` says of every place of a grid, the last axis fastest. */
function eachPlace<T>(sizes: readonly number[], of: (at: readonly number[]) => T): T[] {
  const found: T[] = [];
  const at = sizes.map(() => 0);
  const count = volume(sizes);
  for (let i = 0; i < count; i++) {
    found.push(of([...at]));
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      if (at[axis]! < sizes[axis]!) break;
      at[axis] = 0;
    }
  }
  return found;
}
