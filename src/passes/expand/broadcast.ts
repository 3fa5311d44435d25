import type { Dim } from '../../core/shape.ts';

/** The sizes that two broadcast to, or null; unknown where symbols differ. */
export function broadcast(a: readonly Dim[], b: readonly Dim[]): Dim[] | null {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = rank; i > 0; i--) {
    const m = i > a.length ? 1 : a.at(-i)!;
    const n = i > b.length ? 1 : b.at(-i)!;
    if (m === 1 || n === 1) result.push(m === 1 ? n : m);
    else if (typeof m === 'number' && typeof n === 'number' && m !== n) return null;
    else result.push(typeof m === 'number' ? m : typeof n === 'number' || m === n ? n : null);
  }
  return result;
}
