/** Bins on each side of zero. */
const half = 4096;

/** Counts of numbers over bins whose width is a power of two, the same on both sides of zero.
 *
 *  The width is the least power of two with which the largest magnitude so far falls into the 4,096 bins of its side.
 *  When a larger one comes, widths double and neighbors are added up: floor(floor(x / w) / 2) = floor(x / 2w), so this
 *  is exact, and the histogram depends on the numbers only, not on their order, nor on how they were cut into batches.
 *  64 KB each. NaN is passed over, infinities too: they saturate under any range. */
export class Histogram {
  /** Bin i holds [(i − 4096) · width, (i − 4095) · width), without zeros. */
  readonly counts: Float64Array<ArrayBuffer> = new Float64Array(2 * half);
  /** Width of a bin; 0 as long as there is nothing but zeros. */
  width = 0;
  /** Exact zeros, which every quantization keeps exact: they are in no bin. */
  zeros = 0;
  /** Smallest and largest number, or 0. */
  min = 0;
  max = 0;

  /** @param extent  the smallest and largest finite number of the data and 0, if known
   *  Cost O(n). */
  add(data: Float32Array, extent: { min: number; max: number } = extentOf(data)): void {
    const min = Math.min(this.min, extent.min);
    const max = Math.max(this.max, extent.max);
    this.min = min;
    this.max = max;
    this.#reach(Math.max(-min, max));
    const { counts } = this;
    // Of a power of two: exact.
    const scale = 1 / this.width;
    let zeros = 0;
    for (let i = 0; i < data.length; i++) {
      const x = data[i]!;
      if (x === 0) zeros++;
      else if (x >= min && x <= max) {
        const bin = Math.floor(x * scale) + half;
        counts[bin] = counts[bin]! + 1;
      }
    }
    this.zeros += zeros;
  }

  /** Adds what another one has seen: the same as if this one had seen all of it. */
  merge(other: Histogram): void {
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.zeros += other.zeros;
    if (other.width === 0) return;
    this.#reach(Math.max(-this.min, this.max));
    const factor = this.width / other.width;
    for (let i = 0; i < 2 * half; i++) {
      const count = other.counts[i]!;
      if (count === 0) continue;
      const bin = Math.floor((i - half) / factor) + half;
      this.counts[bin] = this.counts[bin]! + count;
    }
  }

  /** Doubles the width until a magnitude has a bin on either side. */
  #reach(magnitude: number): void {
    if (magnitude === 0) return;
    if (this.width === 0) this.width = firstWidth(magnitude);
    while (magnitude >= half * this.width) {
      this.width *= 2;
      this.#halve();
    }
  }

  #halve(): void {
    const { counts } = this;
    // From zero outwards: what is written has been read.
    for (let i = 0; i < half; i++) {
      const up = 2 * i < half ? counts[half + 2 * i]! + counts[half + 2 * i + 1]! : 0;
      const down = 2 * i < half ? counts[half - 1 - 2 * i]! + counts[half - 2 - 2 * i]! : 0;
      counts[half + i] = up;
      counts[half - 1 - i] = down;
    }
  }
}

function extentOf(data: Float32Array): { min: number; max: number } {
  let [min, max] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (x < min && x !== -Infinity) min = x;
    else if (x > max && x !== Infinity) max = x;
  }
  return { min, max };
}

/** The least power of two of which `half` exceed a magnitude. */
function firstWidth(magnitude: number): number {
  let width = 2 ** -160;
  while (magnitude >= half * width) width *= 2;
  return width;
}

/** Bins in use: `counts[i]` are the numbers in [(first + i) · width, (first + i + 1) · width). Zero is at an edge of a
 *  bin, and first ≤ 0 ≤ first + counts.length. */
export interface Bins {
  counts: Float64Array;
  first: number;
  width: number;
}

/** The bins from the smallest number, or zero, to the largest; magnitudes, if wished, on the side above zero.
 *  @param most  bins at most: neighbors are added up until they are no more */
export function binsOf(
  { counts, width, min, max }: Histogram,
  magnitudes: boolean,
  most: number = 2 * half,
): Bins {
  if (width === 0) return { counts: new Float64Array(0), first: 0, width: 1 };
  let used: Bins;
  if (magnitudes) {
    const top = Math.floor(Math.max(-min, max) / width) + 1;
    const folded = new Float64Array(Math.min(top, half));
    for (let i = 0; i < folded.length; i++) folded[i] = counts[half + i]! + counts[half - 1 - i]!;
    used = { counts: folded, first: 0, width };
  } else {
    const first = Math.floor(min / width);
    const end = max > 0 ? Math.floor(max / width) + 1 : 0;
    used = { counts: counts.slice(half + first, half + end), first, width };
  }
  while (used.counts.length > most) used = coarser(used);
  return used;
}

function coarser({ counts, first, width }: Bins): Bins {
  const start = Math.floor(first / 2);
  const end = Math.ceil((first + counts.length) / 2);
  const sums = new Float64Array(end - start);
  for (let i = 0; i < counts.length; i++) {
    const bin = Math.floor((first + i) / 2) - start;
    sums[bin] = sums[bin]! + counts[i]!;
  }
  return { counts: sums, first: start, width: 2 * width };
}
