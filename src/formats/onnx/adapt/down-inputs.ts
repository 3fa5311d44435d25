import { type Constant, int64Constant, smallValues } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import {
  type AdaptContext,
  cannotLower,
  changed,
  type Form,
  intOf,
  makeForm,
  withAttribute,
  withInput,
  without,
} from '../../../ops/form.ts';
import type { DownRow } from './down-rows.ts';

const reductions = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
] as const;

/** Inputs that were attributes. */
export const inputAttributeRows: readonly DownRow[] = [
  axesRow('ReduceSum', 13),
  axesRow('Squeeze', 13),
  axesRow('Unsqueeze', 13),
  ...reductions.map((op) => axesRow(op, 18)),
  { op: 'Slice', since: 10, down: sliceAttributes },
  {
    op: 'TopK',
    since: 10,
    down: (form, context, target) => {
      const k = constantInput(form, 1, context, target, 10) ?? [];
      return [
        changed(form, {
          inputs: form.inputs.slice(0, 1),
          attributes: withAttribute(form.attributes, 'k', { type: 'int', value: k[0] ?? 0 }),
        }),
      ];
    },
  },
  { op: 'TopK', since: 11, down: largestOnly },
  { op: 'Clip', since: 11, down: clipAttributes },
  { op: 'Pad', since: 11, down: padAttributes },
  { op: 'Pad', since: 18, down: padAllAxes },
  { op: 'Dropout', since: 12, down: dropoutAttribute },
  {
    op: 'Split',
    since: 13,
    down: (form, context, target) => {
      const sizes = constantInput(form, 1, context, target, 13);
      const inputs = form.inputs.slice(0, 1);
      if (sizes === null) return [changed(form, { inputs })];
      const split: Attribute = { type: 'ints', value: sizes };
      return [
        changed(form, { inputs, attributes: withAttribute(form.attributes, 'split', split) }),
      ];
    },
  },
  { op: 'Split', since: 18, down: splitSizes },
  {
    op: 'DFT',
    since: 20,
    down: (form, context, target) => {
      const axis = Number((constantInput(form, 2, context, target, 20) ?? [-2])[0]);
      const rank = form.inputs[0] == null ? null : context.rank(form.inputs[0]);
      if (axis < 0 && rank === null)
        throw cannotLower(form, context, target, 'its input has no known rank', 'write opset 20');
      const value = axis < 0 ? axis + rank! : axis;
      return [
        changed(form, {
          inputs: form.inputs.slice(0, 2),
          attributes: withAttribute(form.attributes, 'axis', { type: 'int', value }),
        }),
      ];
    },
  },
];

/** Elements of an input that has to be a constant before `since`; null for an absent one. */
function constantInput<T>(
  form: Form<T>,
  index: number,
  context: AdaptContext<T>,
  target: number,
  since: number,
): number[] | null {
  const value = form.inputs[index];
  if (value == null) return null;
  const constant: Constant | null = context.constantOf(value);
  const values = constant === null ? null : smallValues(constant);
  if (values !== null) return values.map(Number);
  throw cannotLower(
    form,
    context,
    target,
    `its input ${index} is computed by the model, and was an attribute before opset ${since}`,
    `write opset ${since} or later`,
  );
}

/** Reductions of no axes at all, elementwise. */
const elementwise: Readonly<Record<string, readonly string[]>> = {
  ReduceSum: ['Identity'],
  ReduceMean: ['Identity'],
  ReduceMax: ['Identity'],
  ReduceMin: ['Identity'],
  ReduceProd: ['Identity'],
  ReduceLogSumExp: ['Identity'],
  ReduceL1: ['Abs'],
  ReduceL2: ['Abs'],
  ReduceLogSum: ['Log'],
  ReduceSumSquare: ['Mul'],
};

function axesRow(op: string, since: number): DownRow {
  return {
    op,
    since,
    down: (form, context, target) => {
      const noop = intOf(form, 'noop_with_empty_axes') === 1;
      const axes = constantInput(form, 1, context, target, since);
      const inputs = form.inputs.slice(0, 1);
      const attributes = without(form.attributes, ['noop_with_empty_axes']);
      if (axes !== null && (axes.length > 0 || op === 'Unsqueeze')) {
        const value: Attribute = { type: 'ints', value: axes };
        return [changed(form, { inputs, attributes: withAttribute(attributes, 'axes', value) })];
      }
      const plain = elementwise[op]?.[0];
      if (!noop || plain === undefined) return [changed(form, { inputs, attributes })];
      const operands = plain === 'Mul' ? [inputs[0]!, inputs[0]!] : inputs;
      return [makeForm(plain, operands, form.outputs)];
    },
  };
}

/** Steps other than 1 pick elements one by one. */
function sliceAttributes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const get = (index: number): number[] | null => constantInput(form, index, context, target, 10);
  const starts = get(1) ?? [];
  const ends = get(2) ?? [];
  const axes = get(3) ?? starts.map((_, index) => index);
  const steps = get(4) ?? starts.map(() => 1);
  const x = form.inputs[0]!;
  const y = form.outputs[0]!;
  if (steps.every((step) => step === 1)) {
    const rank = context.rank(x);
    const clamp = (value: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
    return [
      changed(form, {
        inputs: [x],
        attributes: new Map<string, Attribute>([
          ['starts', { type: 'ints', value: starts.map(clamp) }],
          ['ends', { type: 'ints', value: ends.map(clamp) }],
          [
            'axes',
            { type: 'ints', value: axes.map((a) => (a < 0 && rank !== null ? a + rank : a)) },
          ],
        ]),
      }),
    ];
  }
  const shape = context.shape?.(x) ?? null;
  const result: Form<T>[] = [];
  let from = x;
  axes.forEach((axis, index) => {
    const size = shape?.[axis < 0 ? axis + shape.length : axis] ?? null;
    if (size === null) {
      throw cannotLower(
        form,
        context,
        target,
        'it has steps, along an axis of unknown size',
        'write opset 10 or later, or give the model shapes',
      );
    }
    const picked = int64Constant(
      sliceIndices(starts[index]!, ends[index]!, steps[index] ?? 1, size),
    );
    const last = index === axes.length - 1;
    const to = last ? y : context.fresh('slice');
    const at: Attribute = { type: 'int', value: axis < 0 ? axis + shape!.length : axis };
    result.push(
      makeForm('Gather', [from, context.constant(picked, 'indices')], [to], { axis: at }),
    );
    from = to as NonNullable<T>;
  });
  return result;
}

function sliceIndices(start: number, end: number, step: number, size: number): number[] {
  const wrap = (value: number): number => (value < 0 ? value + size : value);
  const clamp = (value: number, low: number, high: number): number =>
    Math.max(low, Math.min(high, value));
  const indices: number[] = [];
  if (step > 0) {
    const stop = clamp(wrap(end), 0, size);
    for (let i = clamp(wrap(start), 0, size); i < stop; i += step) indices.push(i);
  } else {
    const stop = clamp(wrap(end), -1, size - 1);
    for (let i = clamp(wrap(start), -1, size - 1); i > stop; i += step) indices.push(i);
  }
  return indices;
}

/** The smallest are the largest of the negated. */
function largestOnly<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const attributes = without(form.attributes, ['largest', 'sorted']);
  if (intOf(form, 'largest') !== 0) return [changed(form, { attributes })];
  const x = form.inputs[0]!;
  const dtype = context.dtype?.(x) ?? null;
  if (dtype === null || !dtype.startsWith('float')) {
    throw cannotLower(form, context, target, 'largest = 0 on integers', 'write opset 11 or later');
  }
  const minus = context.fresh('minus', x);
  const values = context.fresh('values', form.outputs[0]);
  return [
    makeForm('Neg', [x], [minus]),
    changed(form, {
      attributes,
      inputs: [minus, ...form.inputs.slice(1)],
      outputs: [values, ...form.outputs.slice(1)],
    }),
    makeForm('Neg', [values], form.outputs.slice(0, 1)),
  ];
}

function clipAttributes<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const x = form.inputs[0]!;
  const dtype = context.dtype?.(x) ?? null;
  const attributes = new Map(form.attributes);
  let exact = dtype === null || dtype === 'float32' || dtype === 'float16';
  for (const [index, name] of ['', 'min', 'max'].entries()) {
    const bound = form.inputs[index];
    if (index === 0 || bound == null) continue;
    const constant = context.constantOf(bound);
    const values = constant === null ? null : smallValues(constant);
    if (values === null || values.length !== 1) exact = false;
    else attributes.set(name, { type: 'float', value: Number(values[0]) });
  }
  if (exact) return [changed(form, { inputs: [x], attributes })];
  const [low, high] = [form.inputs[1] ?? null, form.inputs[2] ?? null];
  if (low === null && high === null) return [makeForm('Identity', [x], form.outputs)];
  const middle = low !== null && high !== null ? context.fresh('clip', x) : form.outputs[0]!;
  const forms: Form<T>[] = [];
  if (low !== null) forms.push(makeForm('Max', [x, low], [middle]));
  if (high !== null) forms.push(makeForm('Min', [low === null ? x : middle, high], form.outputs));
  return forms;
}

function padAttributes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const pads = constantInput(form, 1, context, target, 11) ?? [];
  const fill = constantInput(form, 2, context, target, 11);
  const attributes = withAttribute(form.attributes, 'pads', { type: 'ints', value: pads });
  if (fill !== null) attributes.set('value', { type: 'float', value: fill[0] ?? 0 });
  return [changed(form, { inputs: form.inputs.slice(0, 1), attributes })];
}

function padAllAxes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const axes = constantInput(form, 3, context, target, 18);
  const mode = form.attributes.get('mode');
  if (mode?.type === 'string' && mode.value === 'wrap') {
    throw cannotLower(
      form,
      context,
      target,
      'mode "wrap" first exists in opset 19',
      'write opset 19 or later',
    );
  }
  if (axes === null) return [form];
  const rank = context.rank(form.inputs[0]!);
  const pads = constantInput(form, 1, context, target, 18) ?? [];
  if (rank === null) {
    throw cannotLower(form, context, target, 'its input has no known rank', 'write opset 18');
  }
  const all = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = pads[index] ?? 0;
    all[at + rank] = pads[index + axes.length] ?? 0;
  });
  const value = context.constant(int64Constant(all), 'pads');
  const inputs = withInput([form.inputs[0]!, value], 2, form.inputs[2] ?? null);
  return [changed(form, { inputs })];
}

function dropoutAttribute<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const training = constantInput(form, 2, context, target, 12)?.[0] ?? 0;
  if (training !== 0) {
    throw cannotLower(
      form,
      context,
      target,
      'training_mode first exists in opset 12',
      'write opset 12 or later, or make the model one for inference',
    );
  }
  const ratio = constantInput(form, 1, context, target, 12)?.[0];
  const attributes = new Map(without(form.attributes, ['seed']));
  if (ratio !== undefined) attributes.set('ratio', { type: 'float', value: ratio });
  return [changed(form, { inputs: form.inputs.slice(0, 1), attributes })];
}

/** Without sizes Split was into equal parts; the last one may be smaller since opset 18. */
function splitSizes<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const attributes = without(form.attributes, ['num_outputs']);
  if (form.inputs[1] != null) return [changed(form, { attributes })];
  const axis = intOf(form, 'axis') ?? 0;
  const shape = context.shape?.(form.inputs[0]!) ?? null;
  const size = shape === null ? null : (shape[axis < 0 ? axis + shape.length : axis] ?? null);
  const parts = form.outputs.length;
  // Of unknown size: what an equal split can't do is an error when it runs, never another result.
  if (size === null || size % parts === 0) return [changed(form, { attributes })];
  const part = Math.ceil(size / parts);
  const sizes = form.outputs.map((_, index) => Math.max(0, Math.min(part, size - index * part)));
  const value = context.constant(int64Constant(sizes), 'split');
  return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
}
