import type { Geometry } from '../../../kernels/geometry.ts';
import { product } from '../operands.ts';

/** An image with its padding around it: taps are at the same distance from every pixel. Distances in elements. */
export interface Frame {
  /** Elements of an image, and of its frame. */
  readonly sample: number;
  readonly whole: number;
  /** Whether there is anything around the image. */
  readonly isPadded: boolean;
  /** Elements of a line of the image. */
  readonly line: number;
  /** Where lines start in the image, and in the frame. */
  readonly lines: readonly (readonly [number, number])[];
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
  const [own, framed] = [spans(input), spans(sizes)];
  const sample = channels * product(input);
  const whole = channels * product(sizes);
  return {
    sample,
    whole,
    isPadded: whole > sample,
    line: channels * input.at(-1)!,
    lines: placesOf(input.slice(0, -1)).map((at) => [
      dot(at, null, own),
      at.reduce((sum, i, axis) => sum + (i + begins[axis]!) * framed[axis]!, 0) +
        begins.at(-1)! * channels,
    ]),
    outLines: placesOf(output.slice(0, -1)).map((at) => dot(at, strides, framed)),
    step: strides.at(-1)! * channels,
    taps: placesOf(kernel).map((at) => dot(at, dilations, framed)),
  };
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
