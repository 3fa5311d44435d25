import { product } from '../lower/operands.ts';

/** What a window meets of an image, place by place of the result. */
export interface Meetings {
  /** Places of the result. */
  readonly count: number;
  /** Pixels and taps that meet at the place last asked for, in the order of taps. */
  readonly pixels: Int32Array;
  readonly taps: Int32Array;
  /** How many meet at a place. */
  at(place: number): number;
}

/** @param where  the index along an axis that tap `k` meets at place `o`, or what is no index */
export function meetings(
  out: readonly number[],
  image: readonly number[],
  kernel: readonly number[],
  where: (axis: number, o: number, k: number) => number,
): Meetings {
  // Along each axis: for each place the taps that meet something, and what.
  const axes = out.map((size, axis) =>
    Array.from({ length: size }, (_, o) => {
      const met: [number, number][] = [];
      for (let k = 0; k < kernel[axis]!; k++) {
        const i = where(axis, o, k);
        if (Number.isInteger(i) && i >= 0 && i < image[axis]!) met.push([k, i]);
      }
      return met;
    }),
  );
  const most = product(kernel);
  const pixels = new Int32Array(most);
  const taps = new Int32Array(most);
  const index = new Array<number>(out.length).fill(0);
  const fill = (axis: number, pixel: number, tap: number, from: number): number => {
    if (axis === out.length) {
      pixels[from] = pixel;
      taps[from] = tap;
      return from + 1;
    }
    let at = from;
    for (const [k, i] of axes[axis]![index[axis]!]!)
      at = fill(axis + 1, pixel * image[axis]! + i, tap * kernel[axis]! + k, at);
    return at;
  };
  return {
    count: product(out),
    pixels,
    taps,
    at(place) {
      let rest = place;
      for (let axis = out.length - 1; axis >= 0; axis--) {
        index[axis] = rest % out[axis]!;
        rest = Math.floor(rest / out[axis]!);
      }
      return fill(0, 0, 0, 0);
    },
  };
}
