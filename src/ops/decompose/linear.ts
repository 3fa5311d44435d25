import { int64Constant } from '../../ir/constant.ts';
import { type AdaptContext, type Form, intOf } from '../form.ts';
import { type Decompose, Emit, int } from './emit.ts';

export const linear: Readonly<Record<string, Decompose>> = {
  /** (x − zero point) · scale: exact in float32 for integers of up to 16 bits. */
  DequantizeLinear: <T>(form: Form<T>, context: AdaptContext<T>) => {
    const [x, scale, zero] = form.inputs;
    const y = form.outputs[0]!;
    if (x == null || scale == null || (intOf(form, 'block_size') ?? 0) !== 0) return null;
    const from = context.dtype?.(x) ?? null;
    if (context.dtype?.(scale) !== 'float32') return null;
    if (from === null || !/^u?int(8|16)$/.test(from)) return null;
    const rank = context.rank(scale);
    const rankX = context.rank(x);
    if (rank === null || rank > 1 || (rank === 1 && rankX === null)) return null;
    const e = new Emit(context, scale);
    const axis = intOf(form, 'axis') ?? 1;
    const at = axis < 0 ? axis + (rankX ?? 0) : axis;
    const column = int64Constant([
      -1,
      ...new Array<number>(Math.max(0, (rankX ?? 1) - 1 - at)).fill(1),
    ]);
    const spread = (value: T): T =>
      rank === 0 ? value : e.other('Reshape', [value, context.constant(column, 'column')]);
    const real = e.other('Cast', [x], { to: int(1) });
    const origin = zero == null ? null : e.other('Cast', [zero], { to: int(1) });
    const centered = origin === null ? real : e.other('Sub', [real, spread(origin)]);
    return e.end(y, 'Mul', [centered, spread(scale)]);
  },
};
