import { type AxisTable, outerRows } from '../geometry.ts';

/** Writes where each tap of output pixels reads: addresses [count][taps].
 *  @param target  words of wasm memory, from `at` on
 *  @param base    address of a sample's first input pixel; `bytes` from one to the next
 *  @param zeros   address of a pixel that is all padding */
export function writePointers(
  tables: readonly AxisTable[],
  target: Int32Array,
  at: number,
  firstPixel: number,
  count: number,
  base: number,
  bytes: number,
  zeros: number,
): void {
  const inner = tables.at(-1)!;
  const outer = tables.slice(0, -1);
  const taps = tables.reduce((product, table) => product * table.taps, 1);
  for (let done = 0; done < count; ) {
    const column = (firstPixel + done) % inner.size;
    const line = (firstPixel + done - column) / inner.size;
    const run = Math.min(inner.size - column, count - done);
    // Taps outside, pixels of a line inside: a plain loop for each tap.
    let to = at + done * taps;
    for (const row of outerRows(outer, line)) {
      for (let tap = 0; tap < inner.taps; tap++, to++) {
        const first = column * inner.taps + tap;
        writeLine(inner, target, to, taps, run, first, row, base, bytes, zeros);
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
