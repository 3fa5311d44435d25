import {
  type AdaptContext,
  type Adapter,
  cannotAdapt,
  changed,
  type Form,
  intOf,
  makeForm,
  without,
} from '../../../ops/form.ts';

/** Operators whose `broadcast` and `axis` attributes gave way to numpy's rule in opset 7. */
const legacyBroadcast = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal'] as const;
const legacyOrder = ['Greater', 'Less'] as const;

export const broadcastRows: readonly Adapter[] = [
  ...[...legacyBroadcast, ...legacyOrder].map(
    (op): Adapter => ({ op, since: 7, up: explicitBroadcast }),
  ),
  { op: 'PRelu', since: 7, up: channelSlope },
  {
    op: 'Gemm',
    since: 7,
    // C either had the full shape or was broadcast from the right: both are numpy's rule.
    up: (form) => [changed(form, { attributes: without(form.attributes, ['broadcast']) })],
  },
];

/** B's axes lay on A's from `axis` on; numpy aligns at the end, so B gets trailing axes of size 1. */
function explicitBroadcast<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const attributes = without(form.attributes, ['axis', 'broadcast']);
  if (attributes === form.attributes) return [form];
  const axis = intOf(form, 'axis');
  const plain = changed(form, { attributes });
  if (intOf(form, 'broadcast') !== 1 || axis === null) return [plain];
  const [a, b] = form.inputs;
  const rankA = a == null ? null : context.rank(a);
  const rankB = b == null ? null : context.rank(b);
  if (rankB === 0) return [plain];
  if (rankA === null || rankB === null || b == null) {
    throw cannotAdapt(
      form,
      7,
      'its axis attribute needs operands of known rank',
      'run shape inference on the model first, or re-export it with opset 7 or later',
    );
  }
  const start = axis < 0 ? axis + rankA : axis;
  const missing = rankA - start - rankB;
  if (missing <= 0) return [plain];
  const wide = context.fresh('broadcast');
  return [
    appendAxes(b, wide, rankB, missing),
    changed(plain, { inputs: [a ?? null, wide, ...form.inputs.slice(2)] }),
  ];
}

/** A slope of rank 1 was one per channel (axis 1); numpy's rule would put it on the last axis. */
function channelSlope<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const [x, slope] = form.inputs;
  if (x == null || slope == null) return [form];
  const constant = context.constantOf(slope);
  if (constant !== null && constant.shape.length === 1 && constant.shape[0] === 1) return [form];
  const rankX = context.rank(x);
  const rankSlope = context.rank(slope);
  if (rankSlope !== null && rankSlope !== 1) return [form];
  if (rankX !== null && rankX <= 2) return [form];
  if (rankX === null || rankSlope === null) {
    throw cannotAdapt(
      form,
      7,
      'whether its slope is per channel depends on ranks that are not known',
      'run shape inference on the model first, or re-export it with opset 7 or later',
    );
  }
  const wide = context.fresh('slope');
  return [appendAxes(slope, wide, 1, rankX - 2), changed(form, { inputs: [x, wide] })];
}

/** Unsqueeze, as it was before opset 13, of `count` axes at the end. */
function appendAxes<T>(value: T, result: T, rank: number, count: number): Form<T> {
  const axes = Array.from({ length: count }, (_, index) => rank + index);
  return makeForm('Unsqueeze', [value], [result], { axes: { type: 'ints', value: axes } });
}
