import { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { elu, hardSigmoid, leaky } from './cell-functions.ts';
import { multiplied } from './contract.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { gated, gelu, geluTanh, type RealFunction, sigmoid, tanh } from './functions.ts';
import { microsoftNormalizationEvaluators } from './microsoft-normalization.ts';
import {
  floatsIn,
  indexIn,
  invalid,
  optionalAt,
  optionalIntegersAt,
  tensorAt,
  unsupported,
} from './operands.ts';
import { transposed } from './reshape.ts';

/** Operators of onnxruntime's domain that its optimizers write. */
const domain = 'com.microsoft';

/** A fused activation by name.
 *  @param parameter  its numbers in order: alpha, beta, or lowest and highest */
function activationOf(
  c: EvaluateContext,
  parameter: (index: number, fallback: number) => number,
): RealFunction {
  const each =
    (change: (x: number) => number): RealFunction =>
    (x) =>
      x.map(change);
  const name = c.attributes.string('activation', '');
  switch (name) {
    case '':
      return (x) => x;
    case 'Relu':
      return each((v) => Math.max(v, 0));
    case 'Tanh':
      return tanh;
    case 'Sigmoid':
      return sigmoid;
    case 'LeakyRelu':
      return each(leaky(parameter(0, 0.01)));
    case 'Elu':
      return each(elu(parameter(0, 1)));
    case 'HardSigmoid':
      return each(hardSigmoid(parameter(0, 0.2), parameter(1, 0.5)));
    case 'Clip': {
      const [low, high] = [parameter(0, -Infinity), parameter(1, Infinity)];
      return each((v) => Math.min(Math.max(v, low), high));
    }
    default:
      throw unsupported(c, `activation "${name.slice(0, 40)}"`);
  }
}

function changed(x: Tensor, change: RealFunction): Tensor {
  return tensorOf(x.type, change(numbersOf(x)), x.dims);
}

/** Input 3 is added before the activation. */
function fusedConv(base: Evaluator): Evaluator {
  return {
    op: 'FusedConv',
    domain,
    evaluate: (c) => {
      const y = base.evaluate({ ...c, inputs: c.inputs.slice(0, 3) })[0] as Tensor;
      const addend = optionalAt(c, 3);
      const others = addend === undefined ? null : spread(addend, y.dims);
      const numbers = floatsIn(c, 'activation_params');
      const activation = activationOf(c, (index, fallback) => numbers?.[index] ?? fallback);
      return [changed(y, (x) => activation(others === null ? x : x.map((v, i) => v + others[i]!)))];
    },
  };
}

function fusedGemm(base: Evaluator): Evaluator {
  const names = ['activation_alpha', 'activation_beta'];
  return {
    op: 'FusedGemm',
    domain,
    evaluate: (c) => {
      const activation = activationOf(c, (index, fallback) =>
        c.attributes.float(names[index]!, fallback),
      );
      return [changed(base.evaluate(c)[0] as Tensor, activation)];
    },
  };
}

/** The first axis moved behind the batch, then the last two exchanged. */
function turned(c: EvaluateContext, input: number, side: 'A' | 'B'): Tensor {
  const x = tensorAt(c, input);
  const rank = x.dims.length;
  if (rank < 2) return x;
  let order = [...x.dims.keys()];
  if (c.attributes.int(`transBatch${side}`) !== 0)
    order = [...order.slice(1, -1), order[0]!, order.at(-1)!];
  if (c.attributes.int(`trans${side}`) !== 0)
    order = [...order.slice(0, -2), order.at(-1)!, order.at(-2)!];
  return transposed(x, order);
}

function fusedMatMul(c: EvaluateContext): Tensor[] {
  const [a, b] = [turned(c, 0, 'A'), turned(c, 1, 'B')];
  const wide = (x: Tensor): Tensor => new Tensor('float64', numbersOf(x), x.dims);
  const product = multiplied(wide(a), wide(b), 'float64');
  const alpha = c.attributes.float('alpha');
  const values = numbersOf(product).map((v) => v * alpha);
  return [tensorOf(a.type, values, product.dims)];
}

/** Numbers of `bits` each, one behind the other from the low bits on; rows start with a byte. */
function unpacked(
  bytes: ArrayLike<number>,
  rows: number,
  perRow: number,
  bits: number,
): Float64Array {
  const stride = Math.ceil((perRow * bits) / 8);
  const mask = 2 ** bits - 1;
  return Float64Array.from({ length: rows * perRow }, (_, i) => {
    const bit = (i % perRow) * bits;
    const at = Math.floor(i / perRow) * stride + (bit >> 3);
    return (((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)) >> (bit & 7)) & mask;
  });
}

/** A [..., K] times the transpose of weights [N, K] in blocks along K, each with a scale and a zero point. */
function matMulNBits(c: EvaluateContext): Tensor[] {
  const [a, packed, scale, zero] = [
    tensorAt(c, 0),
    tensorAt(c, 1),
    tensorAt(c, 2),
    optionalAt(c, 3),
  ];
  const [k, n] = [c.attributes.int('K'), c.attributes.int('N')];
  const [bits, block] = [c.attributes.int('bits'), c.attributes.int('block_size')];
  const blocks = Math.ceil(k / block);
  if (a.dims.at(-1) !== k || packed.type !== 'uint8' || scale.size !== n * blocks)
    throw invalid(
      c,
      'E_SHAPE_MISMATCH',
      `operands do not fit K = ${k}, N = ${n}, blocks of ${block}`,
    );
  if (packed.size !== n * blocks * Math.ceil((block * bits) / 8))
    throw invalid(c, 'E_SHAPE_MISMATCH', `${packed.size} bytes of weights`);
  const levels = unpacked(numbersOf(packed), n * blocks, block, bits);
  const scales = numbersOf(scale);
  const zeros =
    zero === undefined
      ? new Float64Array(n * blocks).fill(2 ** (bits - 1))
      : zero.type === 'uint8'
        ? unpacked(numbersOf(zero), n, blocks, bits)
        : numbersOf(zero);
  const groups = optionalIntegersAt(c, 4);
  const weights = new Float64Array(n * k);
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < k; i++) {
      const own = Math.floor(i / block);
      const group = groups === undefined ? own : indexIn(c, groups[i]!, blocks);
      const level = levels[(row * blocks + own) * block + (i % block)]!;
      const parameter = row * blocks + group;
      weights[row * k + i] = (level - zeros[parameter]!) * scales[parameter]!;
    }
  }
  const b = transposed(new Tensor('float64', weights, [n, k]), [1, 0]);
  const product = multiplied(new Tensor('float64', numbersOf(a), a.dims), b, 'float64');
  const bias = optionalAt(c, 5);
  const biases = bias === undefined ? null : spread(bias, product.dims);
  const values = numbersOf(product).map((v, i) => v + (biases === null ? 0 : biases[i]!));
  return [tensorOf(a.type, values, product.dims)];
}

/** x + bias, an optional operand. */
function biased(c: EvaluateContext): Float64Array {
  const x = tensorAt(c, 0);
  const bias = optionalAt(c, 1);
  if (bias === undefined) return numbersOf(x);
  const biases = spread(bias, x.dims);
  return numbersOf(x).map((v, i) => v + biases[i]!);
}

function withBias(op: string, change: RealFunction): Evaluator {
  return {
    op,
    domain,
    evaluate: (c) => {
      const { type, dims } = tensorAt(c, 0);
      return [tensorOf(type, change(biased(c)), dims)];
    },
  };
}

function quickGelu(c: EvaluateContext): Tensor[] {
  const alpha = c.attributes.float('alpha');
  return [changed(tensorAt(c, 0), (x) => gated(x, sigmoid(x.map((v) => alpha * v))))];
}

/** By elimination with the largest pivot of each column (Gauss-Jordan). A singular matrix gives infinities or NaN. */
function inverseOf(matrix: Float64Array, n: number): Float64Array {
  const m = matrix.slice();
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++)
      if (Math.abs(m[i * n + k]!) > Math.abs(m[pivot * n + k]!)) pivot = i;
    for (const rows of [m, inverse]) {
      if (pivot === k) break;
      for (let j = 0; j < n; j++)
        [rows[k * n + j], rows[pivot * n + j]] = [rows[pivot * n + j]!, rows[k * n + j]!];
    }
    const factor = 1 / m[k * n + k]!;
    for (const rows of [m, inverse]) for (let j = 0; j < n; j++) rows[k * n + j]! *= factor;
    for (let i = 0; i < n; i++) {
      const times = m[i * n + k]!;
      if (i === k || times === 0) continue;
      for (const rows of [m, inverse])
        for (let j = 0; j < n; j++) rows[i * n + j]! -= times * rows[k * n + j]!;
    }
  }
  return inverse;
}

function inverse(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const n = x.dims.at(-1) ?? 0;
  if (x.dims.at(-2) !== n) throw invalid(c, 'E_SHAPE_MISMATCH', `[${x.dims}] is not square`);
  const values = numbersOf(x);
  const result = new Float64Array(x.size);
  for (let at = 0; at < x.size; at += n * n)
    result.set(inverseOf(values.subarray(at, at + n * n), n), at);
  return [tensorOf(x.type, result, x.dims)];
}

/** Made of the evaluators of ONNX's operators where they are these with more. */
export function microsoftEvaluators(table: readonly Evaluator[]): Evaluator[] {
  const find = (op: string): Evaluator =>
    table.find((item) => item.op === op && (item.domain ?? '') === '')!;
  return [
    fusedConv(find('Conv')),
    fusedGemm(find('Gemm')),
    { op: 'FusedMatMul', domain, evaluate: fusedMatMul },
    { op: 'MatMulNBits', domain, evaluate: matMulNBits },
    withBias('Gelu', gelu),
    withBias('BiasGelu', gelu),
    withBias('FastGelu', geluTanh),
    { op: 'QuickGelu', domain, evaluate: quickGelu },
    ...microsoftNormalizationEvaluators,
    { op: 'Inverse', domain, evaluate: inverse },
  ];
}
