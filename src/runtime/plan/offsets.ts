/** A stretch of memory that is needed from one step to another, both included. */
export interface Stretch {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

const alignment = 64;

/** Places stretches in one block so that no two that are needed at the same time overlap: the largest first,
 *  each at the lowest gap.
 *  @returns  offsets, multiples of 64, and the size of the block
 *  Cost O(n²). Source: Pisarchyk & Lee 2020, Efficient Memory Management for Deep Neural Net Inference. */
export function placeStretches(stretches: readonly Stretch[]): {
  offsets: number[];
  bytes: number;
} {
  const offsets = new Array<number>(stretches.length).fill(0);
  const order = stretches.map((_, index) => index);
  order.sort((a, b) => stretches[b]!.bytes - stretches[a]!.bytes || a - b);
  /** In order of their offsets. */
  const placed: number[] = [];
  let total = 0;
  for (const index of order) {
    const { bytes, first, last } = stretches[index]!;
    if (bytes === 0) continue;
    let start = 0;
    for (const other of placed) {
      const { bytes: taken, first: from, last: to } = stretches[other]!;
      if (to < first || from > last) continue;
      if (offsets[other]! >= start + bytes) break;
      start = Math.max(start, align(offsets[other]! + taken));
    }
    offsets[index] = start;
    total = Math.max(total, start + bytes);
    let at = placed.findIndex((other) => offsets[other]! > start);
    if (at < 0) at = placed.length;
    placed.splice(at, 0, index);
  }
  return { offsets, bytes: align(total) };
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
