import { type Activation, activationOf, noActivation } from '../../../ops/activation.ts';
import { ActivationFunctionType } from '../schema-table.ts';
import { binary, unary } from './blocks.ts';
import type { Emitter, Row } from './emitter.ts';
import type { Operand } from './operand.ts';

/** The function that operators of TFLite can apply themselves, or null: it takes operators of its own. */
export function fusedActivation({ kind, min, max }: Activation): number | null {
  if (kind === 'none') return ActivationFunctionType.NONE;
  if (kind === 'Relu') return ActivationFunctionType.RELU;
  if (kind !== 'Clip') return null;
  if (min === 0 && max === 6) return ActivationFunctionType.RELU6;
  if (min === 0 && max === Infinity) return ActivationFunctionType.RELU;
  return min === -1 && max === 1 ? ActivationFunctionType.RELU_N1_TO_1 : null;
}

/** Emits an operator that may have the node's activation in it, and what it can't apply after it.
 *  @param emit  the operator: with the code of what it applies, into an operand */
export function activated(
  e: Emitter,
  emit: (fused: number, out: Operand) => void,
  activation: Activation = activationOf(e.node),
  out: Operand = e.out(),
): void {
  const fused = fusedActivation(activation);
  if (fused !== null) {
    emit(fused, out);
    return;
  }
  const before = e.temp(out.dtype, out.shape);
  emit(ActivationFunctionType.NONE, before);
  activate(e, before, activation, out);
}

/** An activation by itself. */
export function activate(
  e: Emitter,
  x: Operand,
  activation: Activation,
  out: Operand = e.temp(x.dtype, x.shape),
): Operand {
  const { kind, min, max, alpha, beta } = activation;
  switch (kind) {
    case 'none':
      return binary(e, 'ADD', x, e.scalar(0, x.dtype), out);
    case 'Relu':
      return relu(e, x, out);
    case 'Clip':
      return clip(e, x, min, max, out);
    case 'LeakyRelu':
      return unary(e, 'LEAKY_RELU', x, out, { type: 'LeakyReluOptions', value: { alpha } });
    case 'HardSwish':
      return unary(e, 'HARD_SWISH', x, out);
    case 'HardSigmoid':
      return hardSigmoid(e, x, alpha, beta, out);
    case 'Sigmoid':
      return unary(e, 'LOGISTIC', x, out);
    case 'Tanh':
      return unary(e, 'TANH', x, out);
    case 'Silu':
      return binary(e, 'MUL', x, unary(e, 'LOGISTIC', x), out);
    case 'Gelu':
    case 'GeluTanh':
      return gelu(e, x, kind === 'GeluTanh', out);
    case 'Elu':
      return elu(e, x, alpha, out);
    case 'Softplus':
      return softplus(e, x, out);
    case 'Mish':
      return binary(e, 'MUL', x, unary(e, 'TANH', softplus(e, x)), out);
  }
}

function relu(e: Emitter, x: Operand, out: Operand): Operand {
  if (x.dtype === 'float32') return unary(e, 'RELU', x, out);
  return binary(e, 'MAXIMUM', x, e.scalar(0, x.dtype), out);
}

function clip(e: Emitter, x: Operand, min: number, max: number, out: Operand): Operand {
  const fused = fusedActivation({ ...noActivation, kind: 'Clip', min, max });
  if (fused !== null && x.dtype === 'float32') {
    const names = ['', 'RELU', 'RELU_N1_TO_1', 'RELU6'];
    return unary(e, names[fused]!, x, out);
  }
  if (max === Infinity) return binary(e, 'MAXIMUM', x, e.scalar(min, x.dtype), out);
  const below = e.scalar(max, x.dtype);
  if (min === -Infinity) return binary(e, 'MINIMUM', x, below, out);
  return binary(e, 'MINIMUM', binary(e, 'MAXIMUM', x, e.scalar(min, x.dtype)), below, out);
}

function hardSigmoid(e: Emitter, x: Operand, alpha: number, beta: number, out: Operand): Operand {
  const line = binary(e, 'ADD', binary(e, 'MUL', x, e.scalar(alpha)), e.scalar(beta));
  return clip(e, line, 0, 1, out);
}

function gelu(e: Emitter, x: Operand, approximate: boolean, out: Operand): Operand {
  return unary(e, 'GELU', x, out, { type: 'GeluOptions', value: { approximate } });
}

/** max(x, 0) + alpha · min(e^x − 1, 0): TFLite's own ELU where alpha is 1. */
function elu(e: Emitter, x: Operand, alpha: number, out: Operand): Operand {
  if (alpha === 1) return unary(e, 'ELU', x, out);
  const negative = binary(e, 'MINIMUM', x, e.scalar(0));
  const bent = binary(e, 'MUL', unary(e, 'ELU', negative), e.scalar(alpha));
  return binary(e, 'ADD', unary(e, 'RELU', x), bent, out);
}

/** max(x, 0) + log(1 + e^−|x|): never overflows. */
function softplus(e: Emitter, x: Operand, out: Operand = e.temp(x.dtype, x.shape)): Operand {
  const away = unary(e, 'NEG', unary(e, 'ABS', x));
  const one = binary(e, 'ADD', unary(e, 'EXP', away), e.scalar(1));
  return binary(e, 'ADD', unary(e, 'RELU', x), unary(e, 'LOG', one), out);
}

const plain =
  (kind: Activation['kind']): Row =>
  (e) => {
    activate(e, e.in(0), { ...noActivation, kind }, e.out());
  };

const withAlpha =
  (kind: Activation['kind']): Row =>
  (e) => {
    const alpha = e.attributes.float('alpha');
    const beta = kind === 'HardSigmoid' ? e.attributes.float('beta') : 0;
    activate(e, e.in(0), { ...noActivation, kind, alpha, beta }, e.out());
  };

/** Abramowitz and Stegun 7.1.26: within 1.5e-7 of erf. */
const erf: Row = (e) => {
  const x = e.in(0);
  const size = unary(e, 'ABS', x);
  const line = binary(e, 'ADD', binary(e, 'MUL', size, e.scalar(0.3275911)), e.scalar(1));
  const t = binary(e, 'DIV', e.scalar(1), line);
  const coefficients = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  let sum: Operand = e.scalar(0);
  coefficients.forEach((c, index) => {
    sum =
      index === 0
        ? binary(e, 'MUL', t, e.scalar(c))
        : binary(e, 'MUL', binary(e, 'ADD', sum, e.scalar(c)), t);
  });
  const bell = unary(e, 'EXP', unary(e, 'NEG', unary(e, 'SQUARE', x)));
  const positive = binary(e, 'SUB', e.scalar(1), binary(e, 'MUL', sum, bell));
  binary(e, 'MUL', positive, signOf(e, x), e.out());
};

/** −1, 0 or 1 of real numbers, by operators that every runtime has. */
export function signOf(e: Emitter, x: Operand, out?: Operand): Operand {
  const above = binary(e, 'GREATER', x, e.scalar(0), undefined, undefined, 'bool');
  const below = binary(e, 'LESS', x, e.scalar(0), undefined, undefined, 'bool');
  const numbers = [above, below].map((flag) => {
    const to = e.temp('float32', x.shape);
    e.op('CAST', [flag], [to], { type: 'CastOptions', value: { inDataType: 6, outDataType: 0 } });
    return to;
  });
  return binary(e, 'SUB', numbers[0]!, numbers[1]!, out);
}

const clipRow: Row = (e) => {
  const x = e.in(0);
  const bound = (index: number, otherwise: number): number | null =>
    e.has(index) ? (e.numbers(index)?.[0] ?? null) : otherwise;
  const [min, max] = [bound(1, -Infinity), bound(2, Infinity)];
  if (min !== null && max !== null) {
    const kind = min === -Infinity && max === Infinity ? 'none' : 'Clip';
    activate(e, x, { ...noActivation, kind, min, max }, e.out());
    return;
  }
  const above = e.has(1) ? binary(e, 'MAXIMUM', x, e.in(1), e.has(2) ? undefined : e.out()) : x;
  if (e.has(2)) binary(e, 'MINIMUM', above, e.in(2), e.out());
};

const selu: Row = (e) => {
  const x = e.in(0);
  const [alpha, gamma] = [e.attributes.float('alpha'), e.attributes.float('gamma')];
  const bent = activate(e, x, { ...noActivation, kind: 'Elu', alpha });
  binary(e, 'MUL', bent, e.scalar(gamma), e.out());
};

/** alpha · elu(x / alpha) */
const celu: Row = (e) => {
  const alpha = e.scalar(e.attributes.float('alpha'));
  const bent = unary(e, 'ELU', binary(e, 'DIV', e.in(0), alpha));
  binary(e, 'MUL', bent, alpha, e.out());
};

const swish: Row = (e) => {
  const x = e.in(0);
  const alpha = e.attributes.float('alpha', 1);
  const scaled = alpha === 1 ? x : binary(e, 'MUL', x, e.scalar(alpha));
  binary(e, 'MUL', x, unary(e, 'LOGISTIC', scaled), e.out());
};

/** max(x, 0) + slope · min(x, 0): PRELU wants a slope without the batch, which it need not have here. */
const prelu: Row = (e) => {
  const [x, slope] = [e.in(0), e.in(1)];
  const numbers = e.numbers(1);
  if (numbers?.length === 1 && x.dtype === 'float32') {
    const options = { type: 'LeakyReluOptions', value: { alpha: numbers[0]! } } as const;
    unary(e, 'LEAKY_RELU', x, e.out(), options);
    return;
  }
  const rank = x.shape?.length ?? 0;
  const isShared = slope.shape !== null && slope.shape.length < rank;
  // XNNPACK reads as many slopes as there are channels, however many there are.
  const isWhole = e.isInteger || slope.shape?.at(-1) === x.shape?.at(-1);
  if (isShared && isWhole && slope.constant !== null && rank > 2 && rank <= 4) {
    e.op('PRELU', [x, slope], [e.out()]);
    return;
  }
  const down = binary(e, 'MUL', binary(e, 'MINIMUM', x, e.scalar(0)), slope);
  binary(e, 'ADD', unary(e, 'RELU', x), down, e.out());
};

const softsign: Row = (e) => {
  const x = e.in(0);
  binary(e, 'DIV', x, binary(e, 'ADD', unary(e, 'ABS', x), e.scalar(1)), e.out());
};

const thresholdedRelu: Row = (e) => {
  const x = e.in(0);
  const alpha = e.scalar(e.attributes.float('alpha'));
  const above = binary(e, 'GREATER', x, alpha, undefined, undefined, 'bool');
  e.op('SELECT_V2', [above, x, e.scalar(0)], [e.out()]);
};

/** x < −lambd: x + bias; x > lambd: x − bias; else 0. */
const shrink: Row = (e) => {
  const x = e.in(0);
  const [bias, lambda] = [e.attributes.float('bias'), e.attributes.float('lambd')];
  const below = binary(e, 'LESS', x, e.scalar(-lambda), undefined, undefined, 'bool');
  const above = binary(e, 'GREATER', x, e.scalar(lambda), undefined, undefined, 'bool');
  const [up, down] = [binary(e, 'ADD', x, e.scalar(bias)), binary(e, 'SUB', x, e.scalar(bias))];
  const rest = e.temp(x.dtype, x.shape);
  e.op('SELECT_V2', [above, down, e.scalar(0)], [rest]);
  e.op('SELECT_V2', [below, up, rest], [e.out()]);
};

export const activationRows: Readonly<Record<string, Row>> = {
  Relu: plain('Relu'),
  Sigmoid: plain('Sigmoid'),
  Tanh: plain('Tanh'),
  HardSwish: plain('HardSwish'),
  Softplus: plain('Softplus'),
  Mish: plain('Mish'),
  LeakyRelu: withAlpha('LeakyRelu'),
  Elu: withAlpha('Elu'),
  HardSigmoid: withAlpha('HardSigmoid'),
  Gelu: (e) => {
    gelu(e, e.in(0), e.attributes.string('approximate') === 'tanh', e.out());
  },
  Clip: clipRow,
  Selu: selu,
  Celu: celu,
  Swish: swish,
  PRelu: prelu,
  Softsign: softsign,
  ThresholdedRelu: thresholdedRelu,
  Shrink: shrink,
  Erf: erf,
};
