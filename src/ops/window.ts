import { addDims, ceilDivideDims, floorDivideDims, minDims, multiplyDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, InferContext } from './op.ts';
import { invalid } from './rules.ts';

/** Sliding windows: what convolutions and pools share. */

export const autoPad: AttributeSchema = {
  kind: 'string',
  default: 'NOTSET',
  oneOf: ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'],
};

const positive: AttributeSchema = { kind: 'ints', min: 1 };

export const windowAttributes: Readonly<Record<string, AttributeSchema>> = {
  auto_pad: autoPad,
  dilations: positive,
  kernel_shape: positive,
  pads: { kind: 'ints' },
  strides: positive,
};

/** A window's parameters over `spatial` axes. */
export interface Window {
  kernel: readonly Dim[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Beginnings, then ends. */
  pads: readonly number[];
  autoPad: string;
}

function listOf(c: InferContext, name: string, length: number, fill: number): readonly number[] {
  const list = c.attributes.ints(name);
  if (list === null || list.length === 0) return new Array<number>(length).fill(fill);
  if (list.length !== length)
    throw invalid(c, 'E_OP_ATTRIBUTE', `"${name}" has ${list.length} items, expected ${length}`);
  return list;
}

/** @param kernel  sizes where there is no `kernel_shape`: a weight's spatial axes */
export function windowOf(c: InferContext, spatial: number, kernel: readonly Dim[] | null): Window {
  const given = c.attributes.ints('kernel_shape');
  const sizes =
    given === null
      ? (kernel ?? new Array<Dim>(spatial).fill(null))
      : listOf(c, 'kernel_shape', spatial, 1);
  return {
    kernel: sizes,
    strides: listOf(c, 'strides', spatial, 1),
    dilations: listOf(c, 'dilations', spatial, 1),
    pads: listOf(c, 'pads', 2 * spatial, 0),
    autoPad: c.attributes.string('auto_pad', 'NOTSET'),
  };
}

/** Elements that a dilated kernel spans. */
function span(window: Window, axis: number): Dim {
  return addDims(multiplyDims(addDims(window.kernel[axis]!, -1), window.dilations[axis]!), 1);
}

/** Output sizes of a window that slides over `sizes`. */
export function slidWindow(
  c: InferContext,
  sizes: readonly Dim[],
  window: Window,
  ceilMode = false,
): Dim[] {
  return sizes.map((size, axis) => {
    const stride = window.strides[axis]!;
    if (window.autoPad.startsWith('SAME')) return ceilDivideDims(size, stride);
    const isPadded = window.autoPad !== 'VALID';
    const before = isPadded ? window.pads[axis]! : 0;
    const after = isPadded ? window.pads[axis + sizes.length]! : 0;
    const padded = addDims(size, before + after);
    const rest = addDims(padded, multiplyDims(span(window, axis), -1));
    if (typeof rest === 'number' && rest < 0) {
      if (size === 0) return 0;
      throw invalid(
        c,
        'E_SHAPE_WINDOW',
        `a window of ${span(window, axis)} is larger than axis ${axis + 2} with padding, ${padded}`,
      );
    }
    if (!ceilMode) return addDims(floorDivideDims(rest, stride), 1);
    // A last window that would start in the padding after the input is left out.
    const count = addDims(ceilDivideDims(rest, stride), 1);
    return minDims(count, ceilDivideDims(addDims(size, before), stride));
  });
}

/** Output sizes of the transposed window. */
export function spreadWindow(
  c: InferContext,
  sizes: readonly Dim[],
  window: Window,
  outputPadding: readonly number[],
): Dim[] {
  return sizes.map((size, axis) => {
    const stride = window.strides[axis]!;
    if (window.autoPad.startsWith('SAME')) return multiplyDims(size, stride);
    const isPadded = window.autoPad !== 'VALID';
    const pads = isPadded ? window.pads[axis]! + window.pads[axis + sizes.length]! : 0;
    const covered = addDims(multiplyDims(addDims(size, -1), stride), span(window, axis));
    const dim = addDims(covered, (outputPadding[axis] ?? 0) - pads);
    if (typeof dim === 'number' && dim < 0)
      throw invalid(c, 'E_SHAPE_WINDOW', `axis ${axis + 2} would have size ${dim}`);
    return dim;
  });
}
