import type { Dim } from '../../../core/shape.ts';
import { Padding } from '../schema-table.ts';
import type { Emitter } from './emitter.ts';

/** One axis of a window that slides. */
export interface WindowAxis {
  /** Input size. */
  size: Dim;
  kernel: number;
  stride: number;
  dilation: number;
  before: number;
  after: number;
}

/** How TFLite pads: by itself, or not at all after a pad of its own. */
export interface WindowPadding {
  padding: number;
  /** Before and after, for each axis; null where TFLite's own padding is the same. */
  explicit: [number, number][] | null;
}

/** The sliding windows of a node on [N, …, C] or [N, C, …].
 *  @param sizes  of the axes in space */
export function windowOf(
  e: Emitter,
  sizes: readonly Dim[],
  kernel: readonly number[],
): WindowAxis[] {
  const { attributes } = e;
  const strides = attributes.ints('strides');
  const dilations = attributes.ints('dilations');
  const pads = attributes.ints('pads');
  const auto = attributes.string('auto_pad', 'NOTSET');
  const rank = kernel.length;
  return kernel.map((k, axis) => {
    const [stride, dilation] = [strides?.[axis] ?? 1, dilations?.[axis] ?? 1];
    const size = sizes[axis] ?? null;
    const part = { size, kernel: k, stride, dilation };
    if (auto === 'VALID') return { ...part, before: 0, after: 0 };
    if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const total = sameTotal(part);
      if (total === null) throw e.fail('SHAPE', 'its padding depends on a size that is not known');
      const less = Math.floor(total / 2);
      return auto === 'SAME_UPPER'
        ? { ...part, before: less, after: total - less }
        : { ...part, before: total - less, after: less };
    }
    return { ...part, before: pads?.[axis] ?? 0, after: pads?.[axis + rank] ?? 0 };
  });
}

/** What TFLite's SAME pads in all; null where it depends on a size that is not known. */
function sameTotal({
  size,
  kernel,
  stride,
  dilation,
}: Omit<WindowAxis, 'before' | 'after'>): number | null {
  const width = (kernel - 1) * dilation + 1;
  if (stride === 1) return width - 1;
  if (typeof size !== 'number') return null;
  return Math.max((Math.ceil(size / stride) - 1) * stride + width - size, 0);
}

/** TFLite's words for a padding. SAME pads the smaller half before. */
export function paddingOf(axes: readonly WindowAxis[]): WindowPadding {
  if (axes.every(({ before, after }) => before === 0 && after === 0))
    return { padding: Padding.VALID, explicit: null };
  const isSame = axes.every((axis) => {
    const total = sameTotal(axis);
    if (total === null || axis.before !== Math.floor(total / 2)) return false;
    return axis.before + axis.after === total;
  });
  if (isSame) return { padding: Padding.SAME, explicit: null };
  const explicit = axes.map(({ before, after }): [number, number] => [before, after]);
  return { padding: Padding.VALID, explicit };
}

/** Places that a window has. */
export function outputSize({ size, kernel, stride, dilation, before, after }: WindowAxis): Dim {
  if (typeof size !== 'number') return null;
  const width = (kernel - 1) * dilation + 1;
  return Math.floor((size + before + after - width) / stride) + 1;
}
