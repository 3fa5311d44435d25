import type { Dim } from '../core/shape.ts';
import { shapeFromValues } from './create.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { has, invalid, tensor, unknownDims, withRank } from './rules.ts';
import { slidWindow, spreadWindow, windowAttributes, windowOf } from './window.ts';

const flag: AttributeSchema = { kind: 'int', default: 0, min: 0, max: 1 };
const kernelShape = { kernel_shape: { ...windowAttributes.kernel_shape!, required: true } };
const poolAttributes = { ...windowAttributes, ...kernelShape, ceil_mode: flag };
const norm = { p: { kind: 'int', default: 2, min: 1 } } as const;

function pooled(c: InferContext): readonly Dim[] | null {
  const x = withRank(c, 0, 3, Infinity);
  const kernel = c.attributes.ints('kernel_shape');
  if (x === null) return kernel === null ? null : unknownDims(kernel.length + 2);
  const window = windowOf(c, x.length - 2, null);
  const ceilMode = c.attributes.int('ceil_mode', 0) !== 0;
  return [...x.slice(0, 2), ...slidWindow(c, x.slice(2), window, ceilMode)];
}

function pool(name: string, attributes: Readonly<Record<string, AttributeSchema>>): Op {
  return {
    name,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { ...poolAttributes, ...attributes },
    infer: (c) => [tensor(c.dtype(0), pooled(c))],
  };
}

/** Over all positions: [N, C, 1 …]. */
function globalPool(name: string, attributes: Readonly<Record<string, AttributeSchema>> = {}): Op {
  return {
    name,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes,
    infer: (c) => {
      const x = withRank(c, 0, 2, Infinity);
      return [tensor(c.dtype(0), x?.map((dim, axis) => (axis < 2 ? dim : 1)) ?? null)];
    },
  };
}

function unpoolRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 3, Infinity);
  if (has(c, 2))
    return [tensor(c.dtype(0), shapeFromValues(c, 2) ?? unknownDims(x?.length ?? null))];
  if (x === null) return [tensor(c.dtype(0), null)];
  const window = windowOf(c, x.length - 2, null);
  return [tensor(c.dtype(0), [...x.slice(0, 2), ...spreadWindow(c, x.slice(2), window, [])])];
}

/** [regions, channels, height, width] */
function regions(c: InferContext, height: number, width: number): OutputInfo[] {
  const x = withRank(c, 0, 4);
  const rois = withRank(c, 1, 2);
  return [tensor(c.dtype(0), [rois?.[0] ?? null, x?.[1] ?? null, height, width])];
}

const { auto_pad: _, dilations: __, ...unpoolWindow } = windowAttributes;

export const poolOps: readonly Op[] = [
  pool('AveragePool', { count_include_pad: flag }),
  pool('LpPool', norm),
  {
    ...pool('MaxPool', { storage_order: flag }),
    outputs: [1, 2],
    infer: (c) => {
      const dims = pooled(c);
      return [tensor(c.dtype(0), dims), tensor('int64', dims)];
    },
  },
  globalPool('GlobalAveragePool'),
  globalPool('GlobalMaxPool'),
  globalPool('GlobalLpPool', norm),
  {
    name: 'MaxUnpool',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: { ...unpoolWindow, ...kernelShape },
    infer: unpoolRule,
  },
  {
    name: 'MaxRoiPool',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {
      pooled_shape: { kind: 'ints', required: true, min: 1 },
      spatial_scale: { kind: 'float', default: 1 },
    },
    infer: (c) => {
      const sizes = c.attributes.ints('pooled_shape') ?? [];
      if (sizes.length !== 2)
        throw invalid(c, 'E_OP_ATTRIBUTE', `"pooled_shape" has ${sizes.length} items, expected 2`);
      return regions(c, sizes[0]!, sizes[1]!);
    },
  },
  {
    name: 'RoiAlign',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: {
      coordinate_transformation_mode: {
        kind: 'string',
        default: 'half_pixel',
        oneOf: ['half_pixel', 'output_half_pixel'],
      },
      mode: { kind: 'string', default: 'avg', oneOf: ['avg', 'max'] },
      output_height: { kind: 'int', default: 1, min: 1 },
      output_width: { kind: 'int', default: 1, min: 1 },
      sampling_ratio: { kind: 'int', default: 0, min: 0 },
      spatial_scale: { kind: 'float', default: 1 },
    },
    infer: (c) => regions(c, c.attributes.int('output_height'), c.attributes.int('output_width')),
  },
];
