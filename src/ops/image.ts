import { floorDivideDims, multiplyDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { axesOf, has, invalid, sharedDim, tensor, unknownDims, withRank } from './rules.ts';

/** Operators on pictures and boxes. */

function resizeRule(c: InferContext): OutputInfo[] {
  const x = c.shape(0);
  const dtype = c.dtype(0);
  if (x === null) return [tensor(dtype, null)];
  const axes = axesOf(c, c.attributes.ints('axes') ?? x.map((_, axis) => axis), x.length);
  const dims: Dim[] = [...x];
  const scales = has(c, 2) && c.shape(2)?.[0] !== 0 ? 2 : null;
  const input = scales ?? (has(c, 3) ? 3 : null);
  if (input === null) throw invalid(c, 'E_OP_ARITY', 'it has neither scales nor sizes');
  const values = c.values(input);
  if (values !== null && values.length !== axes.length)
    throw invalid(c, 'E_SHAPE_RESIZE', `${values.length} factors for ${axes.length} axes`);
  const sizes = input === 3 ? sizesOf(c, values, axes, x) : null;
  axes.forEach((axis, index) => {
    dims[axis] =
      input === 3 ? (sizes?.[index] ?? null) : scaled(c, x[axis]!, values?.[index] ?? null);
  });
  return [tensor(dtype, dims)];
}

/** ⌊size · scale⌋, exact for symbols where the scale is a short binary fraction. */
function scaled(c: InferContext, size: Dim, scale: Dim): Dim {
  if (typeof scale !== 'number') return null;
  if (!(scale > 0)) throw invalid(c, 'E_SHAPE_RESIZE', `a scale is ${scale}`);
  if (typeof size === 'number') return Math.floor(Math.fround(size * scale));
  const denominator = 1024;
  const numerator = scale * denominator;
  if (!Number.isInteger(numerator)) return null;
  return floorDivideDims(multiplyDims(size, numerator), denominator);
}

function sizesOf(
  c: InferContext,
  sizes: readonly Dim[] | null,
  axes: readonly number[],
  x: readonly Dim[],
): readonly Dim[] | null {
  const policy = c.attributes.string('keep_aspect_ratio_policy');
  if (policy === 'stretch' || sizes === null) return sizes;
  const isKnown =
    sizes.every((size) => typeof size === 'number') &&
    axes.every((axis) => typeof x[axis] === 'number' && x[axis] > 0);
  if (!isKnown) return null;
  const ratios = axes.map((axis, index) => Number(sizes[index]) / Number(x[axis]));
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => Math.floor(ratio * Number(x[axis]) + 0.5));
}

/** X [N, C, …], grid [N, …, axes] */
function gridSampleRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 3, Infinity);
  const grid = withRank(c, 1, 3, Infinity);
  if (x !== null && grid !== null && x.length !== grid.length)
    throw invalid(c, 'E_SHAPE_RANK', `ranks ${x.length} and ${grid.length} differ`);
  const spatial = grid?.slice(1, -1) ?? (x === null ? null : unknownDims(x.length - 2));
  if (spatial == null) return [tensor(c.dtype(0), null)];
  const batch = sharedDim(c, x?.[0] ?? null, grid?.[0] ?? null, 'batch sizes');
  return [tensor(c.dtype(0), [batch, x?.[1] ?? null, ...spatial])];
}

/** Sizes [N, C, …] → grid [N, …, axes] */
function affineGridRule(c: InferContext): OutputInfo[] {
  const sizes = c.values(1);
  const count = sizes?.length ?? c.shape(1)?.[0];
  if (typeof count !== 'number') return [tensor(c.dtype(0), null)];
  if (count !== 4 && count !== 5)
    throw invalid(c, 'E_SHAPE_RANK', `${count} sizes, expected 4 or 5`);
  const spatial = sizes?.slice(2) ?? unknownDims(count - 2)!;
  const batch = sizes?.[0] ?? c.shape(0)?.[0] ?? null;
  return [tensor(c.dtype(0), [batch, ...spatial, count - 2])];
}

function decoderRule(c: InferContext): OutputInfo[] {
  const channels = c.attributes.string('pixel_format') === 'Grayscale' ? 1 : 3;
  return [tensor('uint8', [null, null, channels])];
}

export const imageOps: readonly Op[] = [
  {
    name: 'Resize',
    inputs: [1, 4],
    outputs: [1, 1],
    attributes: {
      antialias: { kind: 'int', default: 0, min: 0, max: 1 },
      axes: { kind: 'ints' },
      coordinate_transformation_mode: { kind: 'string', default: 'half_pixel' },
      cubic_coeff_a: { kind: 'float', default: -0.75 },
      exclude_outside: { kind: 'int', default: 0, min: 0, max: 1 },
      extrapolation_value: { kind: 'float', default: 0 },
      keep_aspect_ratio_policy: {
        kind: 'string',
        default: 'stretch',
        oneOf: ['stretch', 'not_larger', 'not_smaller'],
      },
      mode: { kind: 'string', default: 'nearest', oneOf: ['nearest', 'linear', 'cubic'] },
      nearest_mode: {
        kind: 'string',
        default: 'round_prefer_floor',
        oneOf: ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'],
      },
    },
    infer: resizeRule,
  },
  {
    name: 'GridSample',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {
      align_corners: { kind: 'int', default: 0 },
      mode: { kind: 'string', default: 'linear', oneOf: ['linear', 'nearest', 'cubic'] },
      padding_mode: { kind: 'string', default: 'zeros', oneOf: ['zeros', 'border', 'reflection'] },
    },
    infer: gridSampleRule,
  },
  {
    name: 'AffineGrid',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { align_corners: { kind: 'int', default: 0 } },
    infer: affineGridRule,
  },
  {
    name: 'NonMaxSuppression',
    inputs: [2, 5],
    outputs: [1, 1],
    attributes: { center_point_box: { kind: 'int', default: 0, min: 0, max: 1 } },
    infer: () => [tensor('int64', [null, 3])],
  },
  {
    name: 'ImageDecoder',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      pixel_format: { kind: 'string', default: 'RGB', oneOf: ['RGB', 'BGR', 'Grayscale'] },
    },
    infer: decoderRule,
  },
];
