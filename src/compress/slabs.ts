import type { ChannelView } from './scheme.ts';

/** A contiguous part of a weight that can be quantized by itself: whole outer rows, or, where there is one
 *  outer row, whole blocks of channels, or a run of a single channel's elements. */
export interface Slab {
  /** First element, and how many. */
  start: number;
  count: number;
  /** The part as [outer, channels, inner] with the same blocks. */
  outer: number;
  channels: number;
  inner: number;
  /** Scales of the part in the whole's order: `scales` from `firstScale`. */
  firstScale: number;
  scales: number;
}

/** Elements a slab has at most, unless a single row or block is longer: 16 MB of float32. */
const slabElements = 1 << 22;

/** Cuts a weight into slabs so that any size is worked on in bounded memory. Every slab but the last has an even
 *  number of elements: 4-bit integers then begin at a byte. Deterministic: it depends on the shape alone. */
export function slabs(view: ChannelView, limit: number = slabElements): Slab[] {
  const { outer, channels, inner, block, shared } = view;
  const row = channels * inner;
  if (outer === 0 || row === 0) return [];
  if (outer > 1) {
    const scalesPerRow = Math.ceil(channels / block) * inner;
    return cut(limit, outer, row, (first, count) => ({
      start: first * row,
      count: count * row,
      outer: count,
      channels,
      inner,
      firstScale: shared ? 0 : first * scalesPerRow,
      scales: shared ? channels : count * scalesPerRow,
    }));
  }
  if (channels > 1) {
    const groups = Math.ceil(channels / block);
    const perGroup = shared ? 1 : inner;
    return cut(limit, groups, block * inner, (first, count) => {
      const wide = Math.min(count * block, channels - first * block);
      return {
        start: first * block * inner,
        count: wide * inner,
        outer: 1,
        channels: wide,
        inner,
        firstScale: first * perGroup,
        scales: count * perGroup,
      };
    });
  }
  if (!shared)
    return [{ start: 0, count: inner, outer: 1, channels: 1, inner, firstScale: 0, scales: inner }];
  return cut(limit, inner, 1, (first, count) => ({
    start: first,
    count,
    outer: 1,
    channels: 1,
    inner: count,
    firstScale: 0,
    scales: 1,
  }));
}

function cut(
  limit: number,
  units: number,
  unitElements: number,
  make: (first: number, count: number) => Slab,
): Slab[] {
  const fitting = Math.max(1, Math.floor(limit / unitElements));
  const step = unitElements % 2 === 0 ? fitting : fitting + (fitting % 2);
  const parts: Slab[] = [];
  for (let first = 0; first < units; first += step)
    parts.push(make(first, Math.min(step, units - first)));
  return parts;
}
