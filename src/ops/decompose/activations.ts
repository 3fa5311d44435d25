import { floatOf, stringOf } from '../form.ts';
import { type Decompose, Emit, float } from './emit.ts';

export const activations: Readonly<Record<string, Decompose>> = {
  Gelu: (form, context) => {
    const x = form.inputs[0]!;
    const y = form.outputs[0]!;
    const e = new Emit(context, x);
    const half = e.node('Mul', [x, e.scalar(0.5)]);
    if (stringOf(form, 'approximate') === 'tanh') {
      const cube = e.node('Mul', [e.node('Mul', [x, x]), x]);
      const inner = e.node('Add', [x, e.node('Mul', [cube, e.scalar(0.044715)])]);
      const bent = e.node('Tanh', [e.node('Mul', [inner, e.scalar(0.7978845608028654)])]);
      return e.end(y, 'Mul', [half, e.node('Add', [bent, e.scalar(1)])]);
    }
    const bent = e.node('Erf', [e.node('Mul', [x, e.scalar(Math.SQRT1_2)])]);
    return e.end(y, 'Mul', [half, e.node('Add', [bent, e.scalar(1)])]);
  },
  HardSwish: (form, context) => {
    const x = form.inputs[0]!;
    const e = new Emit(context, x);
    const gate = e.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
    return e.end(form.outputs[0]!, 'Mul', [x, gate]);
  },
  Mish: (form, context) => {
    const x = form.inputs[0]!;
    const e = new Emit(context, x);
    return e.end(form.outputs[0]!, 'Mul', [x, e.node('Tanh', [e.node('Softplus', [x])])]);
  },
  Swish: (form, context) => {
    const x = form.inputs[0]!;
    const alpha = floatOf(form, 'alpha') ?? 1;
    const e = new Emit(context, x);
    const scaled = alpha === 1 ? x : e.node('Mul', [x, e.scalar(alpha)]);
    return e.end(form.outputs[0]!, 'Mul', [x, e.node('Sigmoid', [scaled])]);
  },
  Celu: (form, context) => {
    const x = form.inputs[0]!;
    const alpha = floatOf(form, 'alpha') ?? 1;
    const e = new Emit(context, x);
    const bent = e.node('Elu', [e.node('Div', [x, e.scalar(alpha)])]);
    return e.end(form.outputs[0]!, 'Mul', [bent, e.scalar(alpha)]);
  },
  ThresholdedRelu: (form, context) => {
    const x = form.inputs[0]!;
    const e = new Emit(context, x);
    const above = e.other('Greater', [x, e.scalar(floatOf(form, 'alpha') ?? 1)], {}, 'bool');
    return e.end(form.outputs[0]!, 'Where', [above, x, e.scalar(0)]);
  },
};
