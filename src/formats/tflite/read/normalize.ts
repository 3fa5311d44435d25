import { giveActivated } from './activation.ts';
import type { OperatorReader, Row } from './operator.ts';
import { float } from './values.ts';

function softmax(o: OperatorReader): void {
  const { beta = 0 } = o.options('SoftmaxOptions');
  const x = o.input(0);
  o.give('Softmax', [beta === 1 ? x : o.add('Mul', [x, o.scalar('beta', beta)])], { axis: -1 });
}

function logSoftmax(o: OperatorReader): void {
  o.give('LogSoftmax', [o.input(0)], { axis: -1 });
}

/** Over the last axis; norms below 10⁻⁶ count as that (reference/l2normalization.h). */
function l2Normalize(o: OperatorReader): void {
  const { fusedActivationFunction } = o.options('L2NormOptions');
  const x = o.input(0);
  const norm = o.add('ReduceL2', [x, o.ints('axes', [-1])], { keepdims: 1 });
  const divisor = o.add('Max', [norm, o.scalar('epsilon', Math.fround(1e-6))]);
  giveActivated(o, 'Div', [x, divisor], {}, fusedActivationFunction);
}

/** TFLite sums squares where ONNX averages them. */
function localResponse(o: OperatorReader): void {
  const options = o.options('LocalResponseNormalizationOptions');
  const { radius = 0, bias = 0, alpha = 0, beta = 0 } = options;
  const size = 2 * radius + 1;
  o.give('mp.LRN', [o.input(0)], {
    size,
    alpha: float(Math.fround(alpha * size)),
    beta: float(beta),
    bias: float(bias),
  });
}

export const normalizeRows: Readonly<Record<string, Row>> = {
  SOFTMAX: softmax,
  LOG_SOFTMAX: logSoftmax,
  L2_NORMALIZATION: l2Normalize,
  LOCAL_RESPONSE_NORMALIZATION: localResponse,
};
