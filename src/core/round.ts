/** Nearest integer, ties to even: IEEE roundTiesToEven, which Math.round is not. Exact for |x| < 2^51. */
export function roundHalfEven(x: number): number {
  const magic = 6755399441055744; // 1.5 · 2^52: the sum has no fraction bits left
  if (!(Math.abs(x) < 2 ** 51)) return x;
  return x + magic - magic;
}
