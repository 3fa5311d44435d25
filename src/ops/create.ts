import { ceilDivideDims, isNonNegativeDim, maxDims, subtractDims } from '../core/dim.ts';
import type { DType } from '../core/dtype.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { type Constant, smallValues } from '../ir/constant.ts';
import { dtypeOfNumber } from './data-types.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { invalid, maxValues, scalarOf, tensor, unknown, unknownDims } from './rules.ts';
import { isInteger, mapValues } from './values.ts';

/** Values made from attributes, shapes or chance, and changes of element type. */

/** Elements of a constant for shape arithmetic. */
export function constantValues(constant: Constant): readonly Dim[] | null {
  return smallValues(constant, maxValues)?.map(Number) ?? null;
}

function constantRule(c: InferContext): OutputInfo[] {
  for (const [name, attribute] of c.node.attributes) {
    switch (`${name}:${attribute.type}`) {
      case 'value:tensor': {
        const constant = attribute.value as Constant;
        return [tensor(constant.dtype, constant.shape, constantValues(constant))];
      }
      case 'value_int:int':
        return [tensor('int64', [], [Number(attribute.value)])];
      case 'value_float:float':
        return [tensor('float32', [], [Number(attribute.value)])];
      case 'value_string:string':
        return [tensor('string', [])];
      case 'value_ints:ints':
      case 'value_floats:floats':
      case 'value_strings:strings': {
        const list = attribute.value as readonly unknown[];
        const dtype = { i: 'int64', f: 'float32', s: 'string' }[attribute.type[0] as 'i'] as DType;
        const isSmall = dtype !== 'string' && list.length <= maxValues;
        return [tensor(dtype, [list.length], isSmall ? list.map(Number) : null)];
      }
    }
  }
  return [unknown];
}

function constantOfShapeRule(c: InferContext): OutputInfo[] {
  const value = c.node.attributes.get('value');
  const constant = value?.type === 'tensor' ? value.value : null;
  const dtype = constant?.dtype ?? 'float32';
  const shape = shapeFromValues(c, 0);
  const fill = constant === null ? 0 : (constantValues(constant)?.[0] ?? null);
  const count = shape?.length === 1 ? shape[0] : null;
  const isSmall = typeof count === 'number' && count <= maxValues;
  return [tensor(dtype, shape, isSmall ? new Array<Dim>(count).fill(fill) : null)];
}

/** The shape that an input's elements give. */
export function shapeFromValues(c: InferContext, input: number): Shape {
  const values = c.values(input);
  const rank = c.shape(input)?.[0];
  const dims = values ?? (typeof rank === 'number' && rank <= 64 ? unknownDims(rank) : null);
  if (dims?.some((dim) => typeof dim === 'number' && dim < 0))
    throw invalid(c, 'E_SHAPE_RANGE', `shape [${dims.join(', ')}] has a negative size`);
  return dims;
}

function rangeRule(c: InferContext): OutputInfo[] {
  const [start, limit, delta] = [0, 1, 2].map((input) => scalarOf(c, input)) as [Dim, Dim, Dim];
  const dtype = c.dtype(0) ?? c.dtype(1);
  if (delta === 0) throw invalid(c, 'E_SHAPE_RANGE', 'the step is 0');
  if (typeof delta !== 'number' || start === null || limit === null) return [tensor(dtype, [null])];
  if (typeof start === 'number' && typeof limit === 'number') {
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    const isSmall = isInteger(dtype) && count <= maxValues;
    const values = isSmall ? Array.from({ length: count }, (_, i) => start + i * delta) : null;
    return [tensor(dtype, [count], values)];
  }
  if (!Number.isInteger(delta)) return [tensor(dtype, [null])];
  const length = ceilDivideDims(subtractDims(limit, start), delta);
  return [tensor(dtype, [isNonNegativeDim(length) ? length : maxDims(length, 0)])];
}

function castRule(dtype: (c: InferContext) => DType | null): (c: InferContext) => OutputInfo[] {
  return (c) => {
    const to = dtype(c);
    const values = mapValues(c, 0, (value) => {
      if (typeof value !== 'number') return to === 'bool' ? null : value;
      if (to === 'bool') return value === 0 ? 0 : 1;
      if (isInteger(to)) return Math.trunc(value);
      return to === 'float32' || to === 'float64' ? value : null;
    });
    return [tensor(to, c.shape(0), to === 'string' ? null : values)];
  };
}

const fromAttribute =
  (name: string) =>
  (c: InferContext): DType | null => {
    const number = c.attributes.int(name);
    const dtype = dtypeOfNumber(number);
    if (dtype === null)
      throw invalid(c, 'E_OP_ATTRIBUTE', `${name} = ${number} is no element type`);
    return dtype;
  };

const rounding = {
  saturate: { kind: 'int', default: 1 },
  round_mode: { kind: 'string', default: 'up', oneOf: ['up', 'down', 'nearest'] },
} as const;

const seed = { kind: 'float' } as const;
const normal = {
  mean: { kind: 'float', default: 0 },
  scale: { kind: 'float', default: 1 },
} as const;
const uniform = {
  high: { kind: 'float', default: 1 },
  low: { kind: 'float', default: 0 },
} as const;

/** Numbers by chance, of a given shape or of an input's. */
function random(name: string, parameters: Readonly<Record<string, AttributeSchema>>): Op[] {
  const attributes = { seed, ...parameters };
  const traits = { nondeterministic: true };
  return [
    {
      name,
      inputs: [0, 0],
      outputs: [1, 1],
      attributes: {
        ...attributes,
        dtype: { kind: 'int', default: 1 },
        shape: { kind: 'ints', required: true, min: 0 },
      },
      infer: (c) => [tensor(fromAttribute('dtype')(c), c.attributes.ints('shape'))],
      traits,
    },
    {
      name: `${name}Like`,
      inputs: [1, 1],
      outputs: [1, 1],
      attributes: { ...attributes, dtype: { kind: 'int' } },
      infer: sameOrAttribute,
      traits,
    },
  ];
}

/** The input's shape; its type too unless `dtype` names another. */
function sameOrAttribute(c: InferContext): OutputInfo[] {
  const dtype = c.attributes.has('dtype') ? fromAttribute('dtype')(c) : c.dtype(0);
  return [tensor(dtype, c.shape(0))];
}

export const createOps: readonly Op[] = [
  {
    name: 'Constant',
    inputs: [0, 0],
    outputs: [1, 1],
    attributes: {
      value: { kind: 'tensor' },
      sparse_value: { kind: 'opaque' },
      value_float: { kind: 'float' },
      value_floats: { kind: 'floats' },
      value_int: { kind: 'int' },
      value_ints: { kind: 'ints' },
      value_string: { kind: 'string' },
      value_strings: { kind: 'strings' },
    },
    infer: constantRule,
  },
  {
    name: 'ConstantOfShape',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { value: { kind: 'tensor' } },
    infer: constantOfShapeRule,
  },
  {
    name: 'Range',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: { stash_type: { kind: 'int', default: 1 } },
    infer: rangeRule,
  },
  {
    name: 'EyeLike',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { dtype: { kind: 'int' }, k: { kind: 'int', default: 0 } },
    infer: sameOrAttribute,
  },
  {
    name: 'Cast',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { to: { kind: 'int', required: true }, ...rounding },
    infer: castRule(fromAttribute('to')),
    traits: { elementwise: true },
  },
  {
    name: 'CastLike',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: rounding,
    infer: castRule((c) => c.dtype(1)),
    traits: { elementwise: true },
  },
  {
    name: 'BitCast',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { to: { kind: 'int', required: true } },
    infer: (c) => [tensor(fromAttribute('to')(c), c.shape(0))],
    traits: { elementwise: true },
  },
  ...random('RandomNormal', normal),
  ...random('RandomUniform', uniform),
  {
    name: 'Bernoulli',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { dtype: { kind: 'int' }, seed },
    infer: sameOrAttribute,
    traits: { nondeterministic: true },
  },
  {
    name: 'Multinomial',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      dtype: { kind: 'int', default: 6 },
      sample_size: { kind: 'int', default: 1, min: 0 },
      seed,
    },
    infer: (c) => {
      const batch = c.shape(0)?.[0] ?? null;
      return [tensor(fromAttribute('dtype')(c), [batch, c.attributes.int('sample_size')])];
    },
    traits: { nondeterministic: true },
  },
];
