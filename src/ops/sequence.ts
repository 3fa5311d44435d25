import type { Dim } from '../core/shape.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import { dtypeOfNumber } from './data-types.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { axisOf, joinTypes, numbersOf, replaceDim, tensor, unknown } from './rules.ts';

/** Lists of tensors, and values that may be absent. */

function sequence(element: ValueType | null): OutputInfo {
  return { type: { kind: 'sequence', element } };
}

function elementOf(c: InferContext, input: number): ValueType | null {
  const type = c.type(input);
  return type?.kind === 'sequence' || type?.kind === 'optional' ? type.element : null;
}

function splitToSequenceRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  if (shape === null) return [sequence(tensorType(dtype, null))];
  const axis = axisOf(c, c.attributes.int('axis'), shape.length);
  if (c.node.inputs[1] == null && c.attributes.int('keepdims') === 0)
    return [
      sequence(
        tensorType(
          dtype,
          shape.filter((_, at) => at !== axis),
        ),
      ),
    ];
  return [sequence(tensorType(dtype, replaceDim(shape, axis, partSize(c, shape[axis]!))))];
}

/** The size of every part, if they have the same. */
function partSize(c: InferContext, size: Dim): Dim {
  if (c.node.inputs[1] == null) return 1;
  const parts = numbersOf(c, 1);
  if (parts === null) return null;
  const [first] = parts;
  if (c.shape(1)?.length === 0)
    return typeof size === 'number' && first !== undefined && size % first === 0 ? first : null;
  return parts.every((part) => part === first) ? (first ?? null) : null;
}

function concatFromSequenceRule(c: InferContext): OutputInfo[] {
  const element = elementOf(c, 0);
  if (element?.kind !== 'tensor') return [unknown];
  const { dtype, shape } = element;
  if (shape === null) return [tensor(dtype, null)];
  const isNew = c.attributes.int('new_axis') !== 0;
  const axis = axisOf(c, c.attributes.int('axis'), shape.length + Number(isNew));
  const dims = isNew
    ? [...shape.slice(0, axis), null, ...shape.slice(axis)]
    : replaceDim(shape, axis, null);
  return [tensor(dtype, dims)];
}

function insertRule(c: InferContext): OutputInfo[] {
  const element = elementOf(c, 0);
  // An empty sequence says nothing about the sizes of what is put into it.
  return [sequence(element === null ? null : joinTypes(element, c.type(1)))];
}

function optionalRule(c: InferContext): OutputInfo[] {
  return [{ type: { kind: 'optional', element: c.type(0) } }];
}

function getElementRule(c: InferContext): OutputInfo[] {
  const type = c.type(0);
  return [{ type: type?.kind === 'optional' ? elementOf(c, 0) : type }];
}

export const sequenceOps: readonly Op[] = [
  {
    name: 'SequenceConstruct',
    inputs: [1, Infinity],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [sequence(c.node.inputs.map((_, index) => c.type(index)).reduce(joinTypes))],
  },
  {
    name: 'SequenceEmpty',
    inputs: [0, 0],
    outputs: [1, 1],
    attributes: { dtype: { kind: 'int', default: 1 } },
    infer: (c) => [sequence(tensorType(dtypeOfNumber(c.attributes.int('dtype')), null))],
  },
  {
    name: 'SequenceAt',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [{ type: elementOf(c, 0) }],
  },
  {
    name: 'SequenceInsert',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: {},
    infer: insertRule,
  },
  {
    name: 'SequenceErase',
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [{ type: c.type(0) }],
  },
  {
    name: 'SequenceLength',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: () => [tensor('int64', [])],
  },
  {
    name: 'SplitToSequence',
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int', default: 0 }, keepdims: { kind: 'int', default: 1 } },
    infer: splitToSequenceRule,
  },
  {
    name: 'ConcatFromSequence',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      axis: { kind: 'int', required: true },
      new_axis: { kind: 'int', default: 0, min: 0, max: 1 },
    },
    infer: concatFromSequenceRule,
  },
  {
    name: 'Optional',
    inputs: [0, 1],
    outputs: [1, 1],
    attributes: { type: { kind: 'opaque' } },
    infer: optionalRule,
  },
  {
    name: 'OptionalGetElement',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: getElementRule,
  },
  {
    name: 'OptionalHasElement',
    inputs: [0, 1],
    outputs: [1, 1],
    attributes: {},
    infer: () => [tensor('bool', [])],
  },
];
