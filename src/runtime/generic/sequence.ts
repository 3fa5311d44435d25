import { Tensor } from '../../core/tensor.ts';
import type { Data } from '../data.ts';
import { joinAlong, stack } from './control.ts';
import { pick, tensorOfIntegers, tensorOfTruths } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { aroundAxis } from './indexing.ts';
import { axisIn, integersAt, invalid, scalarAt, tensorAt, tensorsFrom } from './operands.ts';

/** Operators on sequences and optionals. */

function sequenceAt(c: EvaluateContext, input: number): readonly Data[] {
  const data = c.inputs[input];
  if (Array.isArray(data)) return data;
  throw invalid(c, 'E_OPERAND_KIND', `input ${input} is no sequence`);
}

/** A place in a sequence; `end` counts as one where something is put in. */
function placeIn(c: EvaluateContext, input: number, length: number, end: number): number {
  if (c.inputs[input] == null) return length - 1 + end;
  const given = scalarAt(c, input);
  const place = given < 0 ? given + length : given;
  if (!Number.isInteger(place) || place < 0 || place > length - 1 + end)
    throw invalid(c, 'E_INDEX', `place ${given} is outside of ${length} elements`);
  return place;
}

function split(c: EvaluateContext): Data {
  const x = tensorAt(c, 0);
  const axis = axisIn(c, c.attributes.int('axis', 0), x.dims.length);
  const size = x.dims[axis]!;
  const isSqueezed = c.inputs[1] == null && c.attributes.int('keepdims', 1) === 0;
  const sizes = splitSizes(c, size);
  const { outer, inner } = aroundAxis(x.dims, axis);
  let start = 0;
  return sizes.map((own) => {
    const offsets = new Float64Array(outer * own * inner);
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < own * inner; i++) offsets[at++] = (o * size + start) * inner + i;
    }
    start += own;
    const dims = x.dims.map((dim, i) => (i === axis ? own : dim));
    return pick(x, offsets, isSqueezed ? dims.filter((_, i) => i !== axis) : dims);
  });
}

function splitSizes(c: EvaluateContext, size: number): number[] {
  if (c.inputs[1] == null) return new Array<number>(size).fill(1);
  const given = integersAt(c, 1);
  if (tensorAt(c, 1).dims.length > 0) {
    if (given.some((own) => own < 0) || given.reduce((sum, own) => sum + own, 0) !== size)
      throw invalid(c, 'E_SHAPE_SPLIT', `parts [${given.join(', ')}] of ${size}`);
    return given;
  }
  const [each] = given as [number];
  if (!(each > 0)) throw invalid(c, 'E_SHAPE_SPLIT', `parts of ${each}`);
  return Array.from({ length: Math.ceil(size / each) }, (_, i) => Math.min(each, size - i * each));
}

function concat(c: EvaluateContext): Data {
  const items = sequenceAt(c, 0);
  const axis = c.attributes.int('axis');
  if (c.attributes.int('new_axis', 0) !== 0) return stack(c, items, axis);
  const tensors = items.map((item) => {
    if (item instanceof Tensor) return item;
    throw invalid(c, 'E_OPERAND_KIND', 'the sequence holds no tensors');
  });
  return joinAlong(c, tensors, axisIn(c, axis, tensors[0]?.dims.length ?? 0));
}

function getElement(c: EvaluateContext): Data {
  const [data] = c.inputs;
  if (data == null) throw invalid(c, 'E_OPTIONAL_EMPTY', 'the optional is empty');
  return data;
}

export const sequenceEvaluators: readonly Evaluator[] = [
  { op: 'SequenceConstruct', evaluate: (c) => [tensorsFrom(c)] },
  { op: 'SequenceEmpty', evaluate: () => [[]] },
  {
    op: 'SequenceAt',
    evaluate: (c) => {
      const items = sequenceAt(c, 0);
      return [items[placeIn(c, 1, items.length, 0)]!];
    },
  },
  {
    op: 'SequenceInsert',
    evaluate: (c) => {
      const items = sequenceAt(c, 0);
      return [items.toSpliced(placeIn(c, 2, items.length, 1), 0, tensorAt(c, 1))];
    },
  },
  {
    op: 'SequenceErase',
    evaluate: (c) => {
      const items = sequenceAt(c, 0);
      return [items.toSpliced(placeIn(c, 1, items.length, 0), 1)];
    },
  },
  {
    op: 'SequenceLength',
    evaluate: (c) => [tensorOfIntegers([sequenceAt(c, 0).length], [])],
  },
  { op: 'SplitToSequence', evaluate: (c) => [split(c)] },
  { op: 'ConcatFromSequence', evaluate: (c) => [concat(c)] },
  { op: 'Optional', evaluate: (c) => [c.inputs[0] ?? null] },
  { op: 'OptionalGetElement', evaluate: (c) => [getElement(c)] },
  { op: 'OptionalHasElement', evaluate: (c) => [tensorOfTruths([c.inputs[0] != null], [])] },
];
