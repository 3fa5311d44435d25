import type { LowerContext, Operand, Packed } from '../lowering.ts';
import { levelOf, type Meaning, meaningOf } from './levels.ts';

/** All 256 levels of one meaning as levels of another, which x8_lookup takes; null where they are the same.
 *  Both operands are of 8-bit levels. */
export function levelTable(c: LowerContext, from: Operand, to: Operand): Packed | null {
  const [p, q] = [meaningOf(from)!, meaningOf(to)!];
  if (p.scale === q.scale && p.zero === q.zero && p.unsigned === q.unsigned) return null;
  return c.pack('levels', [from.quantization!, to.quantization!], 256, (address) => {
    c.backend.arena.views().u8.set(levelsFor(p, q), address);
  });
}

function levelsFor(from: Meaning, to: Meaning): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, i) => {
    const level = from.unsigned || i < 128 ? i : i - 256;
    return levelOf(Math.fround((level - from.zero) * from.scale), to) & 255;
  });
}
