// Which taps of a pooling window are inside.

/** First tap of a window that is inside. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, gap: i32): i32 {
  return start < 0 ? (gap - 1 - start) / gap : 0;
}

/** One past the last tap before `size`. */
// @ts-ignore: decorator
@inline
export function endTap(start: i32, gap: i32, taps: i32, size: i32): i32 {
  return max(min(taps, (size - start + gap - 1) / gap), 0);
}
