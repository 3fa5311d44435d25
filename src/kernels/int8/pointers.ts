import { type AxisTable, outerRows } from '../geometry.ts';

/** Writes where each tap of output pixels reads: addresses [count][perPixel], of which those past the taps are `zeros`.
 *  @param target  words of wasm memory, from `at` on
 *  @param base    address of a sample's first input pixel; `bytes` from one to the next
 *  @param zeros   address of a pixel that is all padding */
export function writePointers(
  tables: readonly AxisTable[],
  target: Int32Array,
  at: number,
  perPixel: number,
  firstPixel: number,
  count: number,
  base: number,
  bytes: number,
  zeros: number,
): void {
  const inner = tables.at(-1)!;
  const outer = tables.slice(0, -1);
  const taps = tables.reduce((product, table) => product * table.taps, 1);
  if (perPixel > taps) target.fill(zeros, at, at + count * perPixel);
  for (let done = 0; done < count; ) {
    const column = (firstPixel + done) % inner.size;
    const line = (firstPixel + done - column) / inner.size;
    const run = Math.min(inner.size - column, count - done);
    // Taps outside, pixels of a line inside: a plain loop for each tap.
    let to = at + done * perPixel;
    for (const row of outerRows(outer, line)) {
      for (let tap = 0; tap < inner.taps; tap++, to++) {
        const first = column * inner.taps + tap;
        writeLine(inner, target, to, perPixel, run, first, row, base, bytes, zeros);
      }
    }
    done += run;
  }
}

function writeLine(
  { rows, taps }: AxisTable,
  target: Int32Array,
  to: number,
  step: number,
  count: number,
  first: number,
  row: number,
  base: number,
  bytes: number,
  zeros: number,
): void {
  let at = to;
  let from = first;
  for (let i = 0; i < count; i++) {
    const x = rows[from]!;
    // As int32, which engines compute without a detour; an address past 2^31 wraps to the same bits.
    target[at] = (x | row) < 0 ? zeros : (base + Math.imul(x + row, bytes)) | 0;
    at += step;
    from += taps;
  }
}
