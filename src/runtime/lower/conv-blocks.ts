import {
  type AxisTable,
  convTables,
  fillIndirection,
  type Geometry,
} from '../../kernels/geometry.ts';
import type { Job } from './conv-job.ts';
import type { Packed } from './lowering.ts';
import { product } from './operands.ts';

/** Output pixels in one call: as many as the kernel keeps in the second-level cache. */
const blockPixels = 256;

/** Some output lines, and where their taps are. */
export interface ConvBlock {
  /** Element offset of the indirection within all of them. */
  readonly table: number;
  /** First input pixel that the indirection counts from. */
  readonly origin: number;
  readonly firstPixel: number;
  readonly pixels: number;
}

export interface ConvBlocks {
  readonly blocks: readonly ConvBlock[];
  /** All different indirections, one after the other. */
  readonly indirection: Int32Array;
}

/** Cuts an output image into blocks of lines. Blocks whose taps lie alike relative to their first line share an
 *  indirection: all but those at the borders. */
export function convBlocks(geometry: Geometry): ConvBlocks {
  const { output, input, strides, begins, kernel, dilations } = geometry;
  const tables = convTables(geometry);
  const taps = product(kernel);
  const lines = output[0]!;
  const linePixels = product(output.slice(1));
  const inLine = product(input.slice(1));
  const together = Math.max(1, Math.floor(blockPixels / Math.max(linePixels, 1)));
  const seen = new Map<string, number>();
  const parts: Int32Array[] = [];
  let length = 0;
  const blocks: ConvBlock[] = [];
  for (let line = 0; line < lines; line += together) {
    const count = Math.min(together, lines - line);
    const start = Math.max(0, line * strides[0]! - begins[0]!);
    const rows = new Int32Array(count * kernel[0]!);
    for (let i = 0; i < count; i++) {
      for (let tap = 0; tap < kernel[0]!; tap++) {
        const at = (line + i) * strides[0]! + tap * dilations[0]! - begins[0]!;
        rows[i * kernel[0]! + tap] = at < 0 || at >= input[0]! ? -1 : (at - start) * inLine;
      }
    }
    const key = `${count} ${rows.join()}`;
    let table = seen.get(key);
    const pixels = count * linePixels;
    if (table === undefined) {
      table = length;
      seen.set(key, table);
      const target = new Int32Array(Math.ceil(pixels / 4) * 4 * taps);
      const own: AxisTable[] = [{ size: count, taps: kernel[0]!, rows }, ...tables.slice(1)];
      if (pixels > 0) fillIndirection(own, 0, pixels, target, 0);
      parts.push(target);
      length += target.length;
    }
    blocks.push({ table, origin: start * inLine, firstPixel: line * linePixels, pixels });
  }
  const indirection = new Int32Array(length);
  let at = 0;
  for (const part of parts) {
    indirection.set(part, at);
    at += part.length;
  }
  return { blocks, indirection };
}

/** Blocks, and their indirections in kernel memory. */
export interface PackedBlocks {
  readonly blocks: readonly ConvBlock[];
  readonly indirection: Packed;
}

/** The blocks of a convolution; indirections are kept like weights. */
export function blocksOf({ c, geometry }: Job): PackedBlocks {
  const { blocks, indirection } = convBlocks(geometry);
  const { input, kernel, strides, dilations, begins } = geometry;
  const key = `taps ${[input, kernel, strides, dilations, begins, geometry.output].join(' ')}`;
  const packed = c.pack(key, [1], indirection.byteLength, (address) => {
    c.backend.arena.views().i32.set(indirection, address >>> 2);
  });
  return { blocks, indirection: packed };
}
