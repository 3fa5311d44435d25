import { engine } from '../../../kernels/int8/engine.ts';
import { padded, panelBytes } from '../../../kernels/int8/panels.ts';
import { activationZeros, slackBytes } from '../../../kernels/int8/product.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { type Sizes, sizesOf } from '../matmul.ts';
import { align } from '../operands.ts';
import { type Meaning, meaningOf } from './levels.ts';
import { levelLimits } from './limits.ts';

/** Bytes of sums at a time: they stay in the cache until they are requantized. */
const blockBytes = 2 ** 16;

/** Both operands are levels that a run computes: b is packed at every run. */
function lowerPair(c: LowerContext): Lowered | null {
  const [a, b, bias] = c.inputs;
  const [y] = c.outputs;
  const [p, q, z] = [meaningOf(a), meaningOf(b), meaningOf(y)];
  if (a == null || b == null || y == null || bias != null) return null;
  if (p === null || q === null || z === null || a.size === 0 || y.size === 0) return null;
  const { attributes } = c;
  const isOwn = c.node.domain === 'mp';
  if (isOwn && (attributes.int('transA', 0) !== 0 || attributes.float('alpha', 1) !== 1))
    return null;
  const limits = isOwn ? levelLimits(attributes, z) : z;
  const transB = isOwn && attributes.int('transB', 0) !== 0;
  const sizes = sizesOf(a, b, { transA: false, transB });
  if (limits === null || sizes === null) return null;
  return product(c, { sizes, transB, p, q, z, lo: limits.min, hi: limits.max });
}

interface Pair {
  readonly sizes: Sizes;
  readonly transB: boolean;
  readonly p: Meaning;
  readonly q: Meaning;
  readonly z: Meaning;
  readonly lo: number;
  readonly hi: number;
}

function product(c: LowerContext, { sizes, transB, p, q, z, lo, hi }: Pair): Lowered {
  const { m, k, n, places } = sizes;
  const chosen = engine();
  const { simd } = c.backend;
  const { group, igemm, activationBytes: width } = chosen;
  const isFlipped = width === 1 && chosen.unsigned !== p.unsigned;
  const isDirect = width === 1 && !isFlipped;
  const zero = activationZeros(chosen, Int32Array.of(p.zero), p.unsigned)[0]!;
  const bZero = q.zero - (q.unsigned ? 128 : 0);
  const wide = padded(n);
  const rows = Math.min(m, Math.max(6, Math.floor(blockBytes / 4 / n / 6) * 6));
  const elements = c.inputs[0]!.size;
  const parts = [
    isDirect ? 0 : elements * width + slackBytes,
    panelBytes(chosen, n, 1, k),
    // Sums of columns of b, and their zero points.
    8 * wide,
    4 * rows * n,
    // What rows are multiplied by: less their zero point, and their sums.
    8 * rows,
    group === 2 ? 32 * Math.ceil(k / 2) : 0,
  ].map(align);
  const [strideN, strideK] = transB ? [k, 1] : [1, n];
  const scale = Math.fround(Math.fround(p.scale * q.scale) / z.scale);
  const made = c.pack(`pair ${[rows, k, n, width, zero, bZero, scale]}`, [owner], bytesOf(), fill);
  /** Pointers, scales, zeros, what sums of rows start from, a panel of ones, and one. */
  function regionsAt(address: number): number[] {
    let at = address;
    return [4 * rows, 4 * wide, 4 * wide, 32, panelBytes(chosen, 1, 1, k) + slackBytes, 16].map(
      (bytes) => {
        const start = at;
        at += align(bytes);
        return start;
      },
    );
  }
  function bytesOf(): number {
    return regionsAt(0).at(-1)! + 64;
  }
  function fill(address: number): void {
    const [pointers, scales, init, start, ones, one] = regionsAt(address) as Six;
    const { i32, f32, u8 } = c.backend.arena.views();
    for (let i = 0; i < rows; i++) i32[(pointers >>> 2) + i] = i * k * width;
    f32.fill(scale, scales >>> 2, (scales >>> 2) + wide);
    i32.fill(0, init >>> 2, (init >>> 2) + wide);
    i32.fill(0, start >>> 2, (start >>> 2) + 8);
    i32[start >>> 2] = -Math.imul(zero, k);
    u8[one] = 1;
    c.backend.arena.withScratch([32], (sums) => {
      simd.q8_pack_panels(one, ones, sums!, 1, k, 1, 0, 0, 0, group, 0);
    });
  }
  return {
    kernel: `q8_gemm pair ${chosen.mode}`,
    scratchBytes: parts.reduce((sum, bytes) => sum + bytes, 0),
    bind(at) {
      const [x, w, y] = [at.input(0), at.input(1), at.output(0)];
      let next = at.scratch;
      const [prepared, panels, columns, sums, factors, widened] = parts.map((bytes) => {
        const start = next;
        next += bytes;
        return start;
      }) as Six;
      const [pointers, scales, init, start, ones] = regionsAt(made.address) as Six;
      const left = isDirect ? x : prepared;
      const rowSums = factors + 4 * rows;
      const isSigned = p.unsigned ? 1 : 0;
      const { arena } = c.backend;
      return () => {
        if (width === 2)
          simd.q8_widen_frame(x, prepared, 1, elements, 0, 0, 0, 0, p.zero, isSigned);
        else if (isFlipped) simd.q8_flip(x, prepared, elements);
        const { i32 } = arena.views();
        i32.fill(-zero, factors >>> 2, rowSums >>> 2);
        i32.fill(0, rowSums >>> 2, (rowSums >>> 2) + rows);
        i32.fill(-bZero, (columns >>> 2) + wide, (columns >>> 2) + 2 * wide);
        let last = -1;
        for (const [index, [i, j]] of places.entries()) {
          if (j !== last) {
            const flip = q.unsigned ? 1 : 0;
            const from = w + j * k * n;
            simd.q8_pack_panels(from, panels, columns, n, k, 1, strideN!, strideK!, 0, group, flip);
            last = j;
          }
          for (let row = 0; row < m; row += rows) {
            const some = Math.min(rows, m - row);
            const offset = left + (i * m + row) * k * width;
            const by = rowSums - 4 * some;
            if (bZero !== 0)
              igemm(
                pointers,
                offset,
                ones,
                start,
                rowSums,
                by,
                columns,
                some,
                1,
                1,
                k,
                1,
                0,
                widened,
              );
            igemm(pointers, offset, panels, init, sums, by, columns, some, n, 1, k, n, 1, widened);
            const to = y + (index * m + row) * n;
            simd.i32_q8_requantize(sums, to, scales, some, n, z.zero, lo, hi);
          }
        }
      };
    },
  };
}

type Six = [number, number, number, number, number, number];

const owner = {};

export const int8PairLowerings: readonly Lowering[] = ['', 'mp'].map((domain) => ({
  op: 'MatMul',
  domain,
  lower: lowerPair,
}));
