import { volume } from '../../core/shape.ts';
import type { EvaluateContext } from './evaluator.ts';
import { countOf, indexAt, stridesOf } from './indexing.ts';
import { invalid } from './operands.ts';

/** Sliding windows over spatial axes: what convolutions and pools share. */

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Elements before the first and after the last. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Items of an attribute for each spatial axis.
 *  @throws {ShapeError} another number of them */
export function spatialList(
  c: EvaluateContext,
  name: string,
  length: number,
  fill: number,
): readonly number[] {
  const list = c.attributes.ints(name);
  if (list === null || list.length === 0) return new Array<number>(length).fill(fill);
  if (list.length !== length)
    throw invalid(c, 'E_OP_ATTRIBUTE', `"${name}" has ${list.length} items, expected ${length}`);
  return list;
}

/** Kernel, strides and dilations of a node, and its pads as they are given.
 *  @param kernel  sizes where there is no `kernel_shape`: a weight's spatial axes */
export function givenWindow(
  c: EvaluateContext,
  spatial: number,
  kernel: readonly number[] | null,
): Window {
  const pads = spatialList(c, 'pads', 2 * spatial, 0);
  return {
    kernel: kernel ?? spatialList(c, 'kernel_shape', spatial, 1),
    strides: spatialList(c, 'strides', spatial, 1),
    dilations: spatialList(c, 'dilations', spatial, 1),
    before: pads.slice(0, spatial),
    after: pads.slice(spatial),
  };
}

/** Elements that a dilated kernel spans along an axis. */
export function spanOf({ kernel, dilations }: Window, axis: number): number {
  return (kernel[axis]! - 1) * dilations[axis]! + 1;
}

/** Two parts of a total of pads, the odd one after for SAME_UPPER, before for SAME_LOWER. */
export function splitPads(total: number, mode: string): [number, number] {
  const less = Math.floor(total / 2);
  return mode === 'SAME_LOWER' ? [total - less, less] : [less, total - less];
}

/** The window with its pads resolved, and how many places it takes along each axis.
 *  @throws {ShapeError} it is larger than the padded input */
export function slidWindow(
  c: EvaluateContext,
  sizes: readonly number[],
  given: Window,
  ceilMode = false,
): { window: Window; places: number[] } {
  const mode = c.attributes.string('auto_pad', 'NOTSET');
  const before = [...given.before];
  const after = [...given.after];
  const places = sizes.map((size, axis) => {
    const stride = given.strides[axis]!;
    const span = spanOf(given, axis);
    if (mode === 'VALID') [before[axis], after[axis]] = [0, 0];
    if (mode.startsWith('SAME')) {
      const count = Math.ceil(size / stride);
      const total = Math.max(0, (count - 1) * stride + span - size);
      [before[axis], after[axis]] = splitPads(total, mode);
      return count;
    }
    const rest = size + before[axis]! + after[axis]! - span;
    if (rest < 0) {
      if (size === 0) return 0;
      throw invalid(c, 'E_SHAPE_WINDOW', `a window of ${span} is larger than its padded input`);
    }
    if (!ceilMode) return Math.floor(rest / stride) + 1;
    // A last window that would start in the padding after the input is left out.
    const count = Math.ceil(rest / stride) + 1;
    return Math.min(count, Math.ceil((size + before[axis]!) / stride));
  });
  return { window: { ...given, before, after }, places };
}

/** For each place and tap of a window, the element there, or −1 in the padding: [places, taps]. */
export function tapTable(
  sizes: readonly number[],
  places: readonly number[],
  window: Window,
): Int32Array {
  const taps = volume(window.kernel);
  const count = volume(places);
  const table = new Int32Array(countOf([count, taps]));
  const strides = stridesOf(sizes);
  const kernel = Array.from({ length: taps }, (_, tap) => indexAt(tap, window.kernel));
  for (let p = 0; p < count; p++) {
    const first = indexAt(p, places).map(
      (at, axis) => at * window.strides[axis]! - window.before[axis]!,
    );
    kernel.forEach((tap, t) => {
      let element = 0;
      for (let axis = 0; axis < sizes.length; axis++) {
        const at = first[axis]! + tap[axis]! * window.dilations[axis]!;
        if (at < 0 || at >= sizes[axis]!) {
          element = -1;
          break;
        }
        element += at * strides[axis]!;
      }
      table[p * taps + t] = element;
    });
  }
  return table;
}
