import { int64Constant, smallValues } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import { decompositions } from '../../../ops/decompose/index.ts';
import {
  type AdaptContext,
  cannotLower,
  changed,
  type Form,
  intOf,
  makeForm,
  stringOf,
  withAttribute,
  without,
} from '../../../ops/form.ts';
import { floatConstant } from '../../../ops/form-constants.ts';
import type { DownRow } from './down-rows.ts';

/** Edges where the same node would mean something else. */
export const olderMeaningRows: readonly DownRow[] = [
  coercedRow('Softmax'),
  coercedRow('LogSoftmax'),
  coercedRow('Hardmax'),
  {
    op: 'ScatterElements',
    since: 11,
    becomes: 'Scatter',
    down: (form, context, target) => {
      if ((stringOf(form, 'reduction') ?? 'none') !== 'none')
        throw refused(form, context, target, 'reduction first exists in opset 16', 16);
      const attributes = without(form.attributes, ['reduction']);
      return [changed(form, { op: 'Scatter', attributes })];
    },
  },
  {
    op: 'Dropout',
    since: 10,
    down: (form, context) => {
      const [y, mask] = form.outputs;
      if (y === undefined || mask === undefined || context.isUsed?.(mask) === false) return [form];
      const flags = context.fresh('mask', form.inputs[0] ?? undefined);
      return [
        changed(form, { outputs: [y, flags] }),
        makeForm('Cast', [flags], [mask], { to: { type: 'int', value: 9 } }),
      ];
    },
  },
  {
    op: 'BatchNormalization',
    since: 14,
    down: (form, context, target) => {
      if (intOf(form, 'training_mode') === 1)
        throw refused(form, context, target, 'training_mode first exists in opset 14', 14);
      return [changed(form, { attributes: without(form.attributes, ['training_mode']) })];
    },
  },
  {
    op: 'RoiAlign',
    since: 16,
    down: (form, context, target) => {
      const name = 'coordinate_transformation_mode';
      if (stringOf(form, name) !== 'output_half_pixel')
        throw refused(form, context, target, 'half_pixel coordinates first exist in opset 16', 16);
      return [changed(form, { attributes: without(form.attributes, [name]) })];
    },
  },
  {
    op: 'GridSample',
    since: 20,
    down: (form, context, target) => {
      const x = form.inputs[0];
      const rank = x == null ? null : context.rank(x);
      if (rank !== null && rank !== 4)
        throw refused(
          form,
          context,
          target,
          'grids of other than two dimensions first exist in opset 20',
          20,
        );
      const mode = stringOf(form, 'mode') ?? 'linear';
      const value = { linear: 'bilinear', cubic: 'bicubic' }[mode] ?? mode;
      const attribute = { type: 'string', value } as const;
      return [changed(form, { attributes: withAttribute(form.attributes, 'mode', attribute) })];
    },
  },
  {
    op: 'GroupNormalization',
    since: 21,
    // Per-group scales can't say what per-channel ones do.
    down: (form, context, target) =>
      decompositions.GroupNormalization?.(form, context) ?? fail(form, context, target, 21),
  },
  {
    op: 'Shape',
    since: 15,
    down: (form, context) => {
      const start = intOf(form, 'start') ?? 0;
      const end = intOf(form, 'end');
      const attributes = without(form.attributes, ['start', 'end']);
      if (start === 0 && end === null) return [changed(form, { attributes })];
      const all = context.fresh('shape');
      const bound = (value: number, hint: string): ReturnType<typeof context.constant> =>
        context.constant(int64Constant([value]), hint);
      return [
        changed(form, { attributes, outputs: [all] }),
        makeForm(
          'Slice',
          [all, bound(start, 'start'), bound(end ?? 2 ** 31 - 1, 'end'), bound(0, 'axes')],
          form.outputs,
        ),
      ];
    },
  },
  {
    op: 'Reshape',
    since: 14,
    down: (form, context, target) => {
      if (intOf(form, 'allowzero') === 1) {
        const shape = form.inputs[1] == null ? null : context.constantOf(form.inputs[1]);
        const values = shape === null ? null : smallValues(shape);
        if (values === null || values.some((value) => Number(value) === 0))
          throw refused(form, context, target, 'allowzero first exists in opset 14', 14);
      }
      return [changed(form, { attributes: without(form.attributes, ['allowzero']) })];
    },
  },
  {
    op: 'Gemm',
    since: 11,
    down: (form, context) => {
      if (form.inputs[2] != null) return [form];
      const [a, b] = form.inputs;
      const zero = context.constant(zeroLike(context, a), 'zero');
      return [changed(form, { inputs: [a ?? null, b ?? null, zero] })];
    },
  },
  ...(['Cast', 'CastLike'] as const).flatMap((op): DownRow[] => [
    { op, since: 19, down: castPlain },
    { op, since: 24, down: castPlain },
  ]),
  { op: 'Equal', since: 11, down: equalOfFloats },
  ...(['Max', 'Min', 'Sum', 'Mean'] as const).map(
    (op): DownRow => ({ op, since: 8, down: sameShapes }),
  ),
  ...(['QuantizeLinear', 'DequantizeLinear'] as const).map(
    (op): DownRow => ({
      op,
      since: 13,
      down: (form, context, target) => {
        const scale = form.inputs[1];
        const rank = scale == null ? null : context.rank(scale);
        const size = scale == null ? null : (context.shape?.(scale)?.[0] ?? null);
        if (rank === 0 || (rank === 1 && size === 1))
          return [changed(form, { attributes: without(form.attributes, ['axis']) })];
        return decompositions[op]?.(form, context) ?? fail(form, context, target, 13);
      },
    }),
  ),
  {
    op: 'Scan',
    since: 9,
    down: (form, context, target) => {
      throw refused(form, context, target, 'Scan of opset 8 runs over a batch axis', 9);
    },
  },
  { op: 'DepthToSpace', since: 11, down: depthFirst },
  {
    op: 'Constant',
    since: 12,
    down: (form, context, target) => {
      if (form.attributes.has('value') || form.attributes.has('sparse_value')) return [form];
      throw refused(form, context, target, 'its value is written as no tensor', 12);
    },
  },
];

function refused<T>(
  form: Form<T>,
  context: AdaptContext<T>,
  target: number,
  why: string,
  since: number,
): Error {
  return cannotLower(form, context, target, why, `write opset ${since} or later`);
}

function fail<T>(form: Form<T>, context: AdaptContext<T>, target: number, since: number): never {
  throw refused(
    form,
    context,
    target,
    'types or shapes that its equivalent in older operators needs are not known, or it has none',
    since,
  );
}

function zeroLike<T>(
  context: AdaptContext<T>,
  like: T | null | undefined,
): ReturnType<typeof floatConstant> {
  return floatConstant(context, like, [0], [1]);
}

/** Before opset 13 all axes from `axis` on were one: only the last axis means the same. */
function coercedRow(op: string): DownRow {
  return {
    op,
    since: 13,
    down: (form, context, target) => {
      const [x] = form.inputs;
      const [y] = form.outputs;
      if (x == null || y === undefined) return [form];
      const rank = context.rank(x);
      const axis = intOf(form, 'axis') ?? -1;
      const set = (value: number): Map<string, Attribute> =>
        withAttribute(form.attributes, 'axis', { type: 'int', value });
      if (rank === null) {
        if (axis === -1 && target >= 11) return [changed(form, { attributes: set(-1) })];
        throw refused(form, context, target, 'its input has no known rank', 13);
      }
      const at = axis < 0 ? axis + rank : axis;
      if (at === rank - 1) return [changed(form, { attributes: set(at) })];
      const perm = Array.from({ length: rank }, (_, index) => index);
      perm[at] = rank - 1;
      perm[rank - 1] = at;
      const swap = { perm: { type: 'ints', value: perm } as const };
      const turned = context.fresh('turned', undefined, context.dtype?.(x) ?? undefined);
      const result = context.fresh('result', undefined, context.dtype?.(x) ?? undefined);
      return [
        makeForm('Transpose', [x], [turned], swap),
        changed(form, { inputs: [turned], outputs: [result], attributes: set(rank - 1) }),
        makeForm('Transpose', [result], [y], swap),
      ];
    },
  };
}

/** How values beyond a float8's range are stored says nothing about other types. */
function castPlain<T>(form: Form<T>): Form<T>[] {
  return [changed(form, { attributes: without(form.attributes, ['saturate', 'round_mode']) })];
}

/** Equal took no floats: neither less nor greater, and both are numbers. */
function equalOfFloats<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const [a, b] = form.inputs;
  if (a == null || b == null) return [form];
  const dtype = context.dtype?.(a) ?? null;
  if (dtype === null || !dtype.startsWith('float')) return [form];
  const forms: Form<T>[] = [];
  const flag = (op: string, inputs: T[], out?: T): T => {
    const result = out ?? context.fresh(op.toLowerCase(), undefined, 'bool');
    forms.push(makeForm(op, inputs, [result]));
    return result;
  };
  const infinite = (sign: number): T =>
    context.constant(floatConstant(context, a, [sign / 0], []), 'infinity');
  const [low, high] = [infinite(-1), infinite(1)];
  const isNumber = (x: T): T => flag('Or', [flag('Less', [x, high]), flag('Greater', [x, low])]);
  const differ = flag('Or', [flag('Less', [a, b]), flag('Greater', [a, b])]);
  const numbers = flag('And', [isNumber(a), isNumber(b)]);
  flag('And', [flag('Not', [differ]), numbers], form.outputs[0]);
  return forms;
}

/** Operands had to have one shape. Sums of other shapes go pair by pair, in order. */
function sameShapes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const shapes = form.inputs.map((value) =>
    value == null ? null : (context.shape?.(value) ?? null),
  );
  const first = shapes[0];
  const isSame = shapes.every(
    (shape) => shape != null && !shape.includes(null) && `${shape}` === `${first}`,
  );
  if (isSame || form.inputs.length === 1) return [form];
  const inputs = form.inputs as T[];
  if (form.op === 'Sum' || form.op === 'Mean') {
    const forms: Form<T>[] = [];
    let sum = inputs[0]!;
    inputs.slice(1).forEach((value, index) => {
      const last = index === inputs.length - 2 && form.op === 'Sum';
      const to = last ? form.outputs[0]! : context.fresh('sum', form.outputs[0]);
      forms.push(makeForm('Add', [sum, value], [to]));
      sum = to as NonNullable<T>;
    });
    if (form.op === 'Mean') {
      const count = context.constant(
        floatConstant(context, inputs[0], [inputs.length], []),
        'count',
      );
      forms.push(makeForm('Div', [sum, count], form.outputs));
    }
    return forms;
  }
  throw refused(form, context, target, 'its operands have different shapes, or unknown ones', 8);
}

/** Column-row-depth order is a transpose of its own. */
function depthFirst<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const attributes = without(form.attributes, ['mode']);
  if ((stringOf(form, 'mode') ?? 'DCR') === 'DCR') return [changed(form, { attributes })];
  const x = form.inputs[0]!;
  const [n, c, h, w] = context.shape?.(x) ?? [];
  const block = intOf(form, 'blocksize') ?? 1;
  if (c == null || h == null || w == null || n === undefined)
    throw refused(form, context, target, 'mode CRD needs known sizes', 11);
  const parts = context.fresh('parts', undefined, context.dtype?.(x) ?? undefined);
  const turned = context.fresh('turned', undefined, context.dtype?.(x) ?? undefined);
  const depth = c / (block * block);
  const perm: Attribute = { type: 'ints', value: [0, 1, 4, 2, 5, 3] };
  const before = int64Constant([n ?? -1, depth, block, block, h, w]);
  const after = int64Constant([n ?? -1, depth, h * block, w * block]);
  return [
    makeForm('Reshape', [x, context.constant(before, 'shape')], [parts]),
    makeForm('Transpose', [parts], [turned], { perm }),
    makeForm('Reshape', [turned, context.constant(after, 'shape')], form.outputs),
  ];
}
