import { type DType, dtypes } from '../../core/dtype.ts';
import { type AdaptContext, type Form, makeForm } from '../form.ts';
import type { Decompose } from './emit.ts';

const numbers = Object.keys(dtypes) as DType[];

export const comparisons: Readonly<Record<string, Decompose>> = {
  LessOrEqual: (form, context) => orEqual('Less', form, context),
  GreaterOrEqual: (form, context) => orEqual('Greater', form, context),
  CastLike: (form, context) => {
    const like = form.inputs[1];
    const dtype = like == null ? null : (context.dtype?.(like) ?? null);
    if (dtype === null) return null;
    const attributes = new Map(form.attributes);
    attributes.set('to', { type: 'int', value: numbers.indexOf(dtype) + 1 });
    return [{ ...makeForm('Cast', form.inputs.slice(0, 1), form.outputs), attributes }];
  },
};

/** NaN is neither. */
function orEqual<T>(op: string, form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const strict = context.fresh('strict', undefined, 'bool');
  const equal = context.fresh('equal', undefined, 'bool');
  return [
    makeForm(op, form.inputs, [strict]),
    makeForm('Equal', form.inputs, [equal]),
    makeForm('Or', [strict, equal], form.outputs),
  ];
}
