import { bytesOf } from '../../../core/tensor.ts';
import { constantOf, sizeOf, smallValues } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import {
  type AdaptContext,
  type Adapter,
  cannotAdapt,
  changed,
  type Form,
  floatOf,
  stringOf,
  withInput,
  without,
} from '../../../ops/form.ts';

/** Upsample 1 → 7 → 9 → Resize 10 → 11 → 13. */
export const resizeRows: readonly Adapter[] = [
  {
    op: 'Upsample',
    since: 7,
    up: (form) => {
      const height = floatOf(form, 'height_scale');
      const width = floatOf(form, 'width_scale');
      if (height === null || width === null) return [form];
      const attributes = without(form.attributes, ['height_scale', 'width_scale']);
      const scales: Attribute = { type: 'floats', value: [1, 1, height, width] };
      return [changed(form, { attributes: new Map(attributes).set('scales', scales) })];
    },
  },
  {
    op: 'Upsample',
    since: 9,
    up: (form, context) => {
      const scales = form.attributes.get('scales');
      if (scales?.type !== 'floats') return [form];
      const constant = constantOf(
        'float32',
        [scales.value.length],
        bytesOf(Float32Array.from(scales.value)),
      );
      return [
        changed(form, {
          attributes: without(form.attributes, ['scales']),
          inputs: withInput(form.inputs, 1, context.constant(constant, 'scales')),
        }),
      ];
    },
  },
  { op: 'Upsample', since: 10, up: (form) => [changed(form, { op: 'Resize' })] },
  { op: 'Resize', since: 11, up: explicitCoordinates },
  { op: 'Resize', since: 13, up: optionalInputs },
];

/** Before opset 11 coordinates were x / scale, without a choice; the new default is half_pixel.
 *  Nearest took the sample at or before the position when enlarging, at or after it when reducing
 *  (onnxruntime's rule; the specification left it open). */
function explicitCoordinates<T>(
  form: Form<T>,
  context: AdaptContext<T>,
  target: number,
): Form<T>[] {
  const [x, scales] = form.inputs;
  const attributes = new Map(form.attributes).set('coordinate_transformation_mode', {
    type: 'string',
    value: 'asymmetric',
  });
  if ((stringOf(form, 'mode') ?? 'nearest') === 'nearest') {
    const constant = scales == null ? null : context.constantOf(scales);
    const values = constant === null ? null : smallValues(constant);
    const reduces = values?.some((scale) => scale < 1) === true;
    if (reduces && values?.some((scale) => scale > 1) === true) {
      throw cannotAdapt(
        form,
        11,
        'nearest both enlarges and reduces, which rounds differently per axis',
        're-export the model with opset 11 or later',
      );
    }
    attributes.set('nearest_mode', { type: 'string', value: reduces ? 'ceil' : 'floor' });
  }
  // The region input could not be left out before opset 13.
  const roi =
    target >= 13 ? null : context.constant(constantOf('float32', [0], new Uint8Array(0)), 'roi');
  return [changed(form, { attributes, inputs: [x ?? null, roi, scales ?? null] })];
}

/** Empty tensors stood for absent inputs; one coordinate mode went away. */
function optionalInputs<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  let result = form;
  for (const index of [2, 1]) {
    const value = result.inputs[index];
    const constant = value == null ? null : context.constantOf(value);
    if (constant !== null && sizeOf(constant) === 0)
      result = changed(result, { inputs: withInput(result.inputs, index, null) });
  }
  if (stringOf(form, 'coordinate_transformation_mode') !== 'tf_half_pixel_for_nn') return [result];
  if (stringOf(form, 'nearest_mode') !== 'floor' || stringOf(form, 'mode') === 'linear') {
    throw cannotAdapt(
      form,
      13,
      'coordinate_transformation_mode "tf_half_pixel_for_nn" is gone',
      're-export the model with coordinate_transformation_mode "half_pixel"',
    );
  }
  // floor((i + ½) / s) = floor(((i + ½) / s − ½) + ½): half_pixel, ties up.
  const attributes = new Map(form.attributes)
    .set('coordinate_transformation_mode', { type: 'string', value: 'half_pixel' })
    .set('nearest_mode', { type: 'string', value: 'round_prefer_ceil' });
  return [changed(result, { attributes })];
}
