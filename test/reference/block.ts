import { rint } from './quantize.ts';
import type { ReferencesFor } from './types.ts';

const f = Math.fround;

interface Panels {
  blocks: number;
  size: number;
  bits: number;
  stored: number;
}

export const panelBytes = ({ blocks, size, bits, stored }: Panels): number =>
  blocks * (32 + 32 * stored + size * bits);

/** What a panel says of a column's block. */
function read(b: Uint8Array, panels: Panels, j: number, block: number) {
  const { blocks, size, bits, stored } = panels;
  const head = (j >> 3) * panelBytes(panels) + block * (panelBytes(panels) / Math.max(blocks, 1));
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const column = j & 7;
  const data = head + 32 + 32 * stored;
  const level = (k: number): number => {
    const step = data + (k >> 2) * 4 * bits;
    if (bits === 8) return b[step + column * 4 + (k & 3)]!;
    return (b[step + (column & 3) * 4 + (k & 3)]! >> (column >= 4 ? 4 : 0)) & 15;
  };
  return {
    scale: view.getFloat32(head + 4 * column, true),
    zero: stored === 1 ? view.getFloat32(head + 32 + 4 * column, true) : undefined,
    levels: Array.from({ length: size }, (_, k) => level(k)),
  };
}

const signed = (byte: number): number => (byte << 24) >> 24;

const fused = (sum: number, dot: number, zero: number, total: number, scale: number): number =>
  f(sum + f(f(dot - f(zero * total)) * scale));

interface Integers extends Panels {
  m: number;
  n: number;
  zero: number;
  shift?: number;
}

interface IntegerBuffers {
  a: Int8Array | Int16Array;
  heads: Float32Array;
  b: Uint8Array;
  bias: Float32Array;
  c: Float32Array;
}

/** As an engine computes it that reads weights of 8 bits as `level` says. */
export function integerBlocks(
  { a, heads, b, bias, c }: IntegerBuffers,
  values: Integers,
  read8: (byte: number) => number = signed,
): void {
  const { m, n, blocks, size, bits, zero, shift = 0 } = values;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let block = 0; block < blocks; block++) {
        const cell = i * blocks + block;
        const panel = read(b, values, j, block);
        let dot = 0;
        panel.levels.forEach((level, k) => {
          dot += (bits === 8 ? read8(level) : level) * a[cell * size + k]!;
        });
        const scale = f(panel.scale * heads[2 * cell]!);
        dot = f(f(dot) - f(shift * heads[2 * cell + 1]!));
        sum = fused(sum, dot, panel.zero ?? zero, heads[2 * cell + 1]!, scale);
      }
      c[i * n + j] = f(sum + bias[j]!);
    }
  }
}

/** Sum of four lanes in the order of two rounds of halves. */
const fold = (lanes: number[]): number => f(f(lanes[0]! + lanes[2]!) + f(lanes[1]! + lanes[3]!));

export const blockReferences: ReferencesFor<
  | 'f32_block_gemm'
  | 'q8_block_gemm_i16'
  | 'q8_block_gemm_dot'
  | 'f32_block_levels'
  | 'block_pack'
  | 'block_unpack'
> = {
  f32_block_gemm({ a, b, bias, c }, values) {
    const { m, n, blocks, size, bits, zero } = values;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let block = 0; block < blocks; block++) {
          const panel = read(b, values, j, block);
          const lanes = [0, 0, 0, 0];
          const totals = [0, 0, 0, 0];
          panel.levels.forEach((level, k) => {
            const x = a[(i * blocks + block) * size + k]!;
            const weight = bits === 8 ? signed(level) : level - 8;
            lanes[k & 3] = f(lanes[k & 3]! + f(x * weight));
            totals[k & 3] = f(totals[k & 3]! + x);
          });
          sum = fused(sum, fold(lanes), panel.zero ?? zero, fold(totals), panel.scale);
        }
        c[i * n + j] = f(sum + bias[j]!);
      }
    }
  },
  q8_block_gemm_i16: (buffers, values) => integerBlocks(buffers, values),
  q8_block_gemm_dot: (buffers, values) => integerBlocks(buffers, values),
  f32_block_levels({ x, y, heads }, { count, size, wide }) {
    const target = wide === 1 ? new Int16Array(y.buffer, y.byteOffset, count * size) : y;
    for (let block = 0; block < count; block++) {
      const part = x.subarray(block * size, (block + 1) * size);
      const scale = f(part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
      let total = 0;
      part.forEach((value, k) => {
        const ratio = f(value / (scale > 0 ? scale : 1));
        const level = rint(Math.max(-127, Math.min(127, ratio)));
        target[block * size + k] = level;
        total += level;
      });
      heads[2 * block] = scale;
      heads[2 * block + 1] = total;
    }
  },
  block_unpack({ b, y }, values) {
    const { blocks, size, bits, zero } = values;
    for (let block = 0; block < blocks; block++) {
      for (let column = 0; column < 8; column++) {
        const panel = read(b, values, column, block);
        panel.levels.forEach((level, k) => {
          const centered = bits === 8 ? signed(level) : level - 8;
          const value = f(f(centered - (panel.zero ?? zero)) * panel.scale);
          y[(block * size + k) * 8 + column] = value;
        });
      }
    }
  },
  block_pack({ source, scales, zeros, target }, { n, blocks, size, bits, stored, mask }) {
    target.fill(0);
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    const perBlock = 32 + 32 * stored + size * bits;
    for (let j = 0; j < n; j++) {
      for (let block = 0; block < blocks; block++) {
        const head = ((j >> 3) * blocks + block) * perBlock;
        const cell = j * blocks + block;
        const column = j & 7;
        view.setFloat32(head + 4 * column, scales[cell]!, true);
        if (stored === 1) view.setFloat32(head + 32 + 4 * column, zeros[cell]!, true);
        for (let k = 0; k < size; k++) {
          const step = head + 32 + 32 * stored + (k >> 2) * 4 * bits;
          if (bits === 8) {
            target[step + column * 4 + (k & 3)] = source[cell * size + k]! ^ mask;
          } else {
            const byte = source[cell * (size / 2) + (k >> 1)]!;
            const nibble = (k & 1) === 1 ? byte >> 4 : byte & 15;
            const at = step + (column & 3) * 4 + (k & 3);
            target[at] = target[at]! | (nibble << (column >= 4 ? 4 : 0));
          }
        }
      }
    }
  },
};
