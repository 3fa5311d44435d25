import { bytesOf } from '../../../core/tensor.ts';
import { constantOf, smallValues } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import {
  type AdaptContext,
  cannotLower,
  changed,
  type Form,
  intOf,
  intsOf,
  stringOf,
  withInput,
  without,
} from '../../../ops/form.ts';
import type { DownRow } from './down-rows.ts';

/** Resize 19 → 18 → 13 → 11 → 10 → Upsample 9 → 7. */
export const olderResizeRows: readonly DownRow[] = [
  { op: 'Resize', since: 19, down: knownModes },
  { op: 'Resize', since: 18, down: allAxes },
  { op: 'Resize', since: 13, down: emptyInputs },
  { op: 'Resize', since: 11, down: implicitCoordinates },
  { op: 'Resize', since: 10, becomes: 'Upsample', down: enlarging },
  {
    op: 'Upsample',
    since: 9,
    down: (form, context, target) => {
      const scales = constantScales(form, context);
      if (scales === null) throw refused(form, context, target, 'its scales are computed', 9);
      const value: Attribute = { type: 'floats', value: scales };
      return [
        changed(form, {
          inputs: form.inputs.slice(0, 1),
          attributes: new Map(form.attributes).set('scales', value),
        }),
      ];
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

function knownModes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const mode = stringOf(form, 'coordinate_transformation_mode');
  if (mode === 'half_pixel_symmetric')
    throw refused(form, context, target, 'half_pixel_symmetric first exists in opset 19', 19);
  return [form];
}

/** Only some axes, other aspects and antialiasing came with 18. */
function allAxes<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  if (intOf(form, 'antialias') === 1)
    throw refused(form, context, target, 'antialias first exists in opset 18', 18);
  if ((stringOf(form, 'keep_aspect_ratio_policy') ?? 'stretch') !== 'stretch')
    throw refused(form, context, target, 'keep_aspect_ratio_policy first exists in opset 18', 18);
  const names = ['antialias', 'keep_aspect_ratio_policy', 'axes'];
  const plain = changed(form, { attributes: without(form.attributes, names) });
  const axes = intsOf(form, 'axes');
  const x = form.inputs[0]!;
  const shape = context.shape?.(x) ?? null;
  if (axes === null) return [plain];
  const isWhole =
    shape !== null && axes.length === shape.length && axes.every((a, i) => Number(a) === i);
  if (isWhole) return [plain];
  const scales = constantScales({ ...form, inputs: [null, form.inputs[2] ?? null] }, context);
  if (scales === null || shape === null || form.inputs[1] != null)
    throw refused(form, context, target, 'axes need constant scales and no region', 18);
  const all = new Array<number>(shape.length).fill(1);
  axes.forEach((axis, index) => {
    const at = Number(axis);
    all[at < 0 ? at + shape.length : at] = scales[index] ?? 1;
  });
  const value = context.constant(floats(all), 'scales');
  return [changed(plain, { inputs: [x, null, value] })];
}

/** Region and scales could not be left out. */
function emptyInputs<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const empty = (hint: string): T => context.constant(floats([]), hint);
  let { inputs } = form;
  if (inputs[1] == null) inputs = withInput(inputs, 1, empty('roi'));
  if (inputs[2] == null) inputs = withInput(inputs, 2, empty('scales'));
  return [changed(form, { inputs })];
}

/** Coordinates were x / scale. Nearest took the sample at or before when enlarging, at or after when reducing
 *  (onnxruntime's rule); by whole factors all modes enlarge alike. */
function implicitCoordinates<T>(
  form: Form<T>,
  context: AdaptContext<T>,
  target: number,
): Form<T>[] {
  const x = form.inputs[0]!;
  const from = context.shape?.(x) ?? null;
  const to = sizesOf(form, context);
  let scales = constantScales({ ...form, inputs: [null, form.inputs[2] ?? null] }, context);
  if (scales?.length === 0) scales = null;
  if (scales === null && to !== null && from !== null && !from.includes(null))
    scales = to.map((size, index) => size / from[index]!);
  if (scales === null) throw refused(form, context, target, 'its scales are not known', 11);
  const mode = stringOf(form, 'mode') ?? 'nearest';
  const coordinates = stringOf(form, 'coordinate_transformation_mode') ?? 'half_pixel';
  const rounding = stringOf(form, 'nearest_mode') ?? 'round_prefer_floor';
  const enlarges = scales.every((scale) => scale >= 1);
  const whole = scales.every((scale) => Number.isInteger(scale));
  const same = scales.every((scale) => scale === 1);
  const isFine =
    same ||
    (mode === 'nearest' &&
      ((coordinates === 'asymmetric' && rounding === 'floor' && enlarges) ||
        (coordinates === 'asymmetric' && rounding === 'ceil' && scales.every((s) => s <= 1)) ||
        (coordinates === 'half_pixel' && rounding.startsWith('round_prefer') && whole))) ||
    (mode === 'linear' && coordinates === 'asymmetric');
  if (!isFine)
    throw refused(
      form,
      context,
      target,
      `mode ${mode} with ${coordinates} coordinates first exists`,
      11,
    );
  const attributes = new Map<string, Attribute>([['mode', { type: 'string', value: mode }]]);
  return [changed(form, { attributes, inputs: [x, context.constant(floats(scales), 'scales')] })];
}

function sizesOf<T>(form: Form<T>, context: AdaptContext<T>): number[] | null {
  const constant = form.inputs[3] == null ? null : context.constantOf(form.inputs[3]);
  return constant === null ? null : (smallValues(constant)?.map(Number) ?? null);
}

function enlarging<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[] {
  const scales = constantScales(form, context);
  if (scales === null || scales.some((scale) => scale < 1))
    throw refused(form, context, target, 'Upsample, which it was, only enlarges', 10);
  return [changed(form, { op: 'Upsample' })];
}

function constantScales<T>(form: Form<T>, context: AdaptContext<T>): number[] | null {
  const constant = form.inputs[1] == null ? null : context.constantOf(form.inputs[1]);
  return constant === null ? null : (smallValues(constant)?.map(Number) ?? null);
}

function floats(values: readonly number[]): ReturnType<typeof constantOf> {
  return constantOf('float32', [values.length], bytesOf(Float32Array.from(values)));
}
