import type { Geometry } from '../../../kernels/geometry.ts';
import { product } from '../operands.ts';

/** Lines of an image, from an element on, with their part of the frame from another one on. */
export interface FramePart {
  readonly from: number;
  readonly to: number;
  readonly lines: number;
  /** Elements of a line. */
  readonly line: number;
  /** Elements of the frame before and after all, and before and after each line. */
  readonly around: readonly [number, number, number, number];
}

/** An image with its padding around it: taps are at the same distance from every pixel. Distances in elements. */
export interface Frame {
  /** Elements of an image, and of its frame. */
  readonly sample: number;
  readonly whole: number;
  /** Whether there is anything around the image. */
  readonly isPadded: boolean;
  /** What makes the frame, each a call of a kernel. */
  readonly parts: readonly FramePart[];
  /** Where output lines start, and from one pixel of them to the next. */
  readonly outLines: readonly number[];
  readonly step: number;
  /** From a pixel's first tap to each. */
  readonly taps: readonly number[];
}

/** The frame of a convolution's images. */
export function frameOf(geometry: Geometry): Frame {
  const { channels, input, output, kernel, strides, dilations, begins } = geometry;
  const sizes = input.map((size, axis) =>
    Math.max(
      begins[axis]! + size,
      (output[axis]! - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1,
    ),
  );
  const spans = (of: readonly number[]): number[] =>
    of.map((_, axis) => channels * product(of.slice(axis + 1)));
  const framed = spans(sizes);
  const sample = channels * product(input);
  const whole = channels * product(sizes);
  return {
    sample,
    whole,
    isPadded: whole > sample,
    parts: partsOf(geometry, sizes),
    outLines: placesOf(output.slice(0, -1)).map((at) => dot(at, strides, framed)),
    step: strides.at(-1)! * channels,
    taps: placesOf(kernel).map((at) => dot(at, dilations, framed)),
  };
}

/** One part for each plane of the image.
 *  @param sizes  of the frame */
function partsOf({ channels, input, begins }: Geometry, sizes: readonly number[]): FramePart[] {
  const line = channels * input.at(-1)!;
  const whole = channels * sizes.at(-1)!;
  const before = channels * begins.at(-1)!;
  const sides = [before, whole - before - line] as const;
  const rank = input.length;
  if (rank === 1) return [{ from: 0, to: 0, lines: 1, line, around: [0, 0, ...sides] }];
  const lines = input.at(-2)!;
  const above = whole * begins.at(-2)!;
  const below = whole * (sizes.at(-2)! - lines) - above;
  const plane = whole * sizes.at(-2)!;
  const planes = rank === 3 ? input[0]! : 1;
  const empty = rank === 3 ? plane * begins[0]! : 0;
  const after = rank === 3 ? plane * (sizes[0]! - planes) - empty : 0;
  return Array.from({ length: planes }, (_, i) => {
    const top = above + (i === 0 ? empty : 0);
    const bottom = below + (i === planes - 1 ? after : 0);
    return {
      from: i * lines * line,
      to: i === 0 ? 0 : empty + i * plane,
      lines,
      line,
      around: [top, bottom, ...sides],
    };
  });
}

function dot(
  at: readonly number[],
  steps: readonly number[] | null,
  spans: readonly number[],
): number {
  return at.reduce((sum, i, axis) => sum + i * (steps?.[axis] ?? 1) * spans[axis]!, 0);
}

/** All places of a grid, the last axis fastest. */
function placesOf(sizes: readonly number[]): number[][] {
  let places: number[][] = [[]];
  for (const size of sizes)
    places = places.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i]));
  return places;
}
