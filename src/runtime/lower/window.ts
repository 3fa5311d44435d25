import type { AttributeReader } from '../../ops/op.ts';

/** A sliding window in numbers. */
export interface WindowNumbers {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Beginnings, then ends: what auto_pad comes to. */
  readonly pads: readonly number[];
}

/** The window of a convolution or pool over axes of the given sizes. */
export function windowNumbers(
  attributes: AttributeReader,
  sizes: readonly number[],
  kernelSizes: readonly number[] | null,
): WindowNumbers {
  const list = (name: string, length: number, fill: number): readonly number[] => {
    const given = attributes.ints(name);
    return given === null || given.length === 0 ? new Array<number>(length).fill(fill) : given;
  };
  const axes = sizes.length;
  const kernel = kernelSizes ?? list('kernel_shape', axes, 1);
  const strides = list('strides', axes, 1);
  const dilations = list('dilations', axes, 1);
  const mode = attributes.string('auto_pad', 'NOTSET');
  if (mode === 'NOTSET') return { kernel, strides, dilations, pads: list('pads', 2 * axes, 0) };
  const pads = new Array<number>(2 * axes).fill(0);
  if (mode === 'VALID') return { kernel, strides, dilations, pads };
  sizes.forEach((size, i) => {
    const span = (kernel[i]! - 1) * dilations[i]! + 1;
    const out = Math.ceil(size / strides[i]!);
    const total = Math.max(0, (out - 1) * strides[i]! + span - size);
    const less = Math.floor(total / 2);
    pads[i] = mode === 'SAME_UPPER' ? less : total - less;
    pads[i + axes] = total - pads[i]!;
  });
  return { kernel, strides, dilations, pads };
}
