import { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { multiplied } from './contract.ts';
import { numbersOf, tensorOf, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { channelsFirst, channelsLast } from './mp.ts';
import { axisIn, invalid, optionalAt, scalarAt, tensorAt, unsupported } from './operands.ts';
import { quantizedTo } from './quantize.ts';
import { transposed } from './reshape.ts';

/** onnxruntime's operators on integers: dequantize, what ONNX's operator does, quantize. */
const domain = 'com.microsoft';

/** A scale or zero point of the whole tensor. */
function parameterAt(c: EvaluateContext, input: number, fallback?: number): number {
  if ((optionalAt(c, input)?.size ?? 1) !== 1)
    throw unsupported(c, `input ${input} has a parameter for each channel`);
  return scalarAt(c, input, fallback);
}

/** An operand with its scale and zero point behind it, as real numbers. */
function realAt(c: EvaluateContext, input: number): Tensor {
  const x = tensorAt(c, input);
  const scale = parameterAt(c, input + 1);
  const zero = parameterAt(c, input + 2, 0);
  const values = numbersOf(x).map((v) => (v - zero) * scale);
  return new Tensor('float64', values, x.dims);
}

/** Real numbers by the scale at an input and the zero point behind it, with the type of the first operand. */
function quantizedBy(c: EvaluateContext, real: Tensor, scale: number, operand: number): Tensor {
  const factor = parameterAt(c, scale);
  const zero = parameterAt(c, scale + 1, 0);
  const values = numbersOf(real);
  return quantizedTo(
    tensorAt(c, operand).type,
    values.map((v) => v / factor),
    new Float64Array(values.length).fill(zero),
    real.dims,
  );
}

/** @param operands  inputs with a tensor
 *  @param result    input with the result's scale */
function throughReals(
  base: Evaluator,
  operands: (c: EvaluateContext) => readonly number[],
  result: number,
): Evaluator {
  return {
    op: `QLinear${base.op}`,
    domain,
    evaluate: (c) => {
      const inputs = operands(c);
      const [real] = base.evaluate({ ...c, inputs: inputs.map((input) => realAt(c, input)) });
      return [quantizedBy(c, real as Tensor, result, inputs[0]!)];
    },
  };
}

function pool(base: Evaluator): Evaluator {
  return throughReals(
    {
      op: base.op,
      evaluate: (c) => {
        const x = tensorAt(c, 0);
        if (c.attributes.int('channels_last') === 0) return base.evaluate(c);
        const [y] = base.evaluate({ ...c, inputs: [channelsFirst(x)] });
        return [channelsLast(y as Tensor)];
      },
    },
    () => [0],
    3,
  );
}

/** Before opset 13, over all axes from `axis` on. */
function softmax(base: Evaluator): Evaluator {
  return throughReals(
    {
      op: base.op,
      evaluate: (c) => {
        if (c.attributes.int('opset') >= 13) return base.evaluate(c);
        const x = tensorAt(c, 0);
        const axis = axisIn(c, c.attributes.int('axis', 1), x.dims.length);
        const columns = x.dims.slice(axis).reduce((a, b) => a * b, 1);
        const rows = withDims(x, [columns === 0 ? 0 : x.size / columns, columns]);
        const given = c.attributes;
        const attributes: typeof given = {
          has: (name) => given.has(name),
          int: () => -1,
          float: (name, fallback) => given.float(name, fallback),
          string: (name, fallback) => given.string(name, fallback),
          ints: (name) => given.ints(name),
        };
        const [y] = base.evaluate({ ...c, attributes, inputs: [rows] });
        return [withDims(y as Tensor, x.dims)];
      },
    },
    () => [0],
    3,
  );
}

/** Integers less their zero points, one for all or one for each column. */
function shiftedAt(c: EvaluateContext, input: number, zero: number): Tensor {
  const x = tensorAt(c, input);
  const zeros = optionalAt(c, zero);
  const values = numbersOf(x);
  if (zeros === undefined) return new Tensor('float64', values, x.dims);
  const own = zeros.size === 1 ? withDims(zeros, []) : zeros;
  const places = spread(own, x.dims);
  return new Tensor(
    'float64',
    values.map((v, i) => v - places[i]!),
    x.dims,
  );
}

/** A scale for all columns, or for each. */
function spreadScale(scale: Tensor, dims: readonly number[]): Float64Array {
  return spread(scale.size === 1 ? withDims(scale, []) : scale, dims);
}

/** alpha·A·B on integers; C has the scale of the products. */
function qGemm(c: EvaluateContext): Tensor[] {
  const flip = (x: Tensor, flag: string): Tensor =>
    c.attributes.int(flag) !== 0 ? transposed(x, [1, 0]) : x;
  if (tensorAt(c, 0).dims.length !== 2 || tensorAt(c, 3).dims.length !== 2)
    throw invalid(c, 'E_SHAPE_RANK', 'the operands are no matrices');
  const a = flip(shiftedAt(c, 0, 2), 'transA');
  // Zero points of B are those of the result's columns, so of its rows where B is transposed.
  const b = tensorAt(c, 3);
  const zeros = optionalAt(c, 5);
  const upright = flip(new Tensor('float64', numbersOf(b), b.dims), 'transB');
  const own = zeros === undefined ? null : spreadScale(zeros, upright.dims);
  const right = numbersOf(upright).map((v, i) => v - (own === null ? 0 : own[i]!));
  const product = multiplied(a, new Tensor('float64', right, upright.dims), 'float64');
  const bias = optionalAt(c, 6);
  const biases = bias === undefined ? null : spread(bias, product.dims);
  const scales = spreadScale(tensorAt(c, 4), product.dims);
  const left = Math.fround(c.attributes.float('alpha') * parameterAt(c, 1));
  const reals = numbersOf(product).map(
    (v, i) => (v + (biases === null ? 0 : biases[i]!)) * Math.fround(left * scales[i]!),
  );
  const real = new Tensor('float64', reals, product.dims);
  return [
    optionalAt(c, 7) === undefined
      ? tensorOf('float32', reals, product.dims)
      : quantizedBy(c, real, 7, c.inputs[8] == null ? 0 : 8),
  ];
}

/** A product of integers as real numbers, with a bias for each column. */
function scaledProduct(
  a: Tensor,
  b: Tensor,
  scales: readonly Tensor[],
  bias: Tensor | undefined,
  type: Tensor['type'],
): Tensor {
  const product = multiplied(a, b, 'float64');
  const factors = scales.map((scale) => spreadScale(scale, product.dims));
  const biases = bias === undefined ? null : spread(bias, product.dims);
  const values = numbersOf(product).map((v, i) => {
    const factor = factors.reduce((p, own) => Math.fround(p * own[i]!), 1);
    return v * factor + (biases === null ? 0 : biases[i]!);
  });
  return tensorOf(type, values, product.dims);
}

/** A is quantized by its own range first. */
function dynamicQuantizeMatMul(dynamic: Evaluator): Evaluator {
  return {
    op: 'DynamicQuantizeMatMul',
    domain,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      const [levels, scale, zero] = dynamic.evaluate({ ...c, inputs: [x] }) as Tensor[];
      const zeroPoint = numbersOf(zero!)[0]!;
      const shifted = numbersOf(levels!).map((v) => v - zeroPoint);
      const a = new Tensor('float64', shifted, x.dims);
      const scales = [scale!, tensorAt(c, 2)];
      return [scaledProduct(a, shiftedAt(c, 1, 3), scales, optionalAt(c, 4), x.type)];
    },
  };
}

function matMulIntegerToFloat(c: EvaluateContext): Tensor[] {
  const scales = [tensorAt(c, 2), tensorAt(c, 3)];
  const [a, b] = [shiftedAt(c, 0, 4), shiftedAt(c, 1, 5)];
  return [scaledProduct(a, b, scales, optionalAt(c, 6), scales[0]!.type)];
}

/** Made of the evaluators of ONNX's operators. */
export function microsoftQuantizedEvaluators(table: readonly Evaluator[]): Evaluator[] {
  const find = (op: string): Evaluator =>
    table.find((item) => item.op === op && (item.domain ?? '') === '')!;
  const both = (): number[] => [0, 3];
  const first = (): number[] => [0];
  // Scale and zero point of the result, then the operands.
  const inThrees = (c: EvaluateContext): number[] =>
    c.inputs.flatMap((_, index) => (index % 3 === 2 ? [index] : []));
  return [
    throughReals(find('Add'), both, 6),
    throughReals(find('Mul'), both, 6),
    throughReals(find('Sigmoid'), first, 3),
    throughReals(find('LeakyRelu'), first, 3),
    throughReals(find('Concat'), inThrees, 0),
    pool(find('AveragePool')),
    pool(find('GlobalAveragePool')),
    softmax(find('Softmax')),
    { op: 'QGemm', domain, evaluate: qGemm },
    dynamicQuantizeMatMul(find('DynamicQuantizeLinear')),
    { op: 'MatMulIntegerToFloat', domain, evaluate: matMulIntegerToFloat },
    ...['QuantizeLinear', 'DequantizeLinear'].map((op) => ({ ...find(op), domain })),
  ];
}
