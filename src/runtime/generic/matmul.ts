import { volume } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { contract, multiplied } from './contract.ts';
import { isWide, numbersOf, tensorOf, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { invalid, optionalAt, tensorAt, tensorsFrom } from './operands.ts';
import { quantizedTo } from './quantize.ts';
import { transposed } from './reshape.ts';

function gemm(c: EvaluateContext): Tensor[] {
  const flipped = (input: number, flag: string): Tensor => {
    const x = tensorAt(c, input);
    return c.attributes.int(flag) !== 0 ? transposed(x, [1, 0]) : x;
  };
  const [a, b] = [flipped(0, 'transA'), flipped(1, 'transB')];
  if (a.dims.length !== 2 || b.dims.length !== 2)
    throw invalid(c, 'E_SHAPE_RANK', `[${a.dims}] and [${b.dims}] are no matrices`);
  const bias = optionalAt(c, 2);
  const alpha = c.attributes.float('alpha');
  const beta = c.attributes.float('beta');
  if (isWide(a.type) || a.type === 'int32' || a.type === 'uint32') {
    if (alpha === 1 && bias === undefined) return [multiplied(a, b, a.type)];
  }
  const product = multiplied(wide(a), wide(b), 'float64');
  const addend = bias === undefined ? null : spread(bias, product.dims);
  const values = numbersOf(product).map(
    (v, i) => alpha * v + (addend === null ? 0 : beta * addend[i]!),
  );
  return [tensorOf(a.type, values, product.dims)];
}

const wide = (x: Tensor): Tensor => new Tensor('float64', numbersOf(x), x.dims);

/** Integers less their zero point, which may have one element for each row (left) or column (right). */
function shifted(x: Tensor, zero: Tensor | undefined, side: 'left' | 'right'): Tensor {
  const values = numbersOf(x);
  if (zero === undefined) return new Tensor('float64', values, x.dims);
  const zeros = spread(aligned(zero, side), x.dims);
  return new Tensor(
    'float64',
    values.map((v, i) => v - zeros[i]!),
    x.dims,
  );
}

/** A parameter of rows stands upright. */
function aligned(parameter: Tensor, side: 'left' | 'right'): Tensor {
  if (side === 'left' && parameter.dims.length === 1)
    return withDims(parameter, [parameter.dims[0]!, 1]);
  return parameter;
}

function matmulInteger(c: EvaluateContext): Tensor[] {
  const a = shifted(tensorAt(c, 0), optionalAt(c, 2), 'left');
  const b = shifted(tensorAt(c, 1), optionalAt(c, 3), 'right');
  const product = multiplied(a, b, 'float64');
  return [tensorOf('int32', numbersOf(product), product.dims)];
}

/** Exact integer sums, scaled in float64 by the float32 product of the scales. */
function qlinearMatmul(c: EvaluateContext): Tensor[] {
  const a = shifted(tensorAt(c, 0), tensorAt(c, 2), 'left');
  const b = shifted(tensorAt(c, 3), tensorAt(c, 5), 'right');
  const product = multiplied(a, b, 'float64');
  const left = spread(aligned(tensorAt(c, 1), 'left'), product.dims);
  const right = spread(tensorAt(c, 4), product.dims);
  const scale = spread(aligned(tensorAt(c, 6), 'left'), product.dims);
  const zero = tensorAt(c, 7);
  const zeros = spread(aligned(zero, 'left'), product.dims);
  const reals = numbersOf(product).map(
    (v, i) => v * Math.fround(Math.fround(left[i]! * right[i]!) / scale[i]!),
  );
  return [quantizedTo(zero.type, reals, zeros, product.dims)];
}

function einsum(c: EvaluateContext): Tensor[] {
  const text = c.attributes.string('equation').replace(/\s/g, '').replaceAll('...', '.');
  const operands = tensorsFrom(c);
  const [left = '', right] = text.split('->');
  const terms = left.split(',');
  if (terms.length !== operands.length)
    throw invalid(c, 'E_OP_ATTRIBUTE', `equation "${text}" is for ${terms.length} operands`);
  const most = Math.max(
    0,
    ...terms.map((term, o) =>
      term.includes('.') ? operands[o]!.dims.length - term.length + 1 : 0,
    ),
  );
  // Axes of an ellipsis are counted from the end.
  const axesOf = (term: string, count: number): string[] =>
    [...term].flatMap((letter) =>
      letter === '.' ? Array.from({ length: count }, (_, i) => `. ${count - i}`) : [letter],
    );
  const named = operands.map((tensor, o) => {
    const term = terms[o]!;
    const axes = axesOf(term, tensor.dims.length - term.replace('.', '').length);
    if (axes.length !== tensor.dims.length)
      throw invalid(c, 'E_SHAPE_RANK', `"${term}" does not fit rank ${tensor.dims.length}`);
    return { tensor, axes };
  });
  const letters = [...terms.join('')];
  const implicit =
    (letters.includes('.') ? '.' : '') +
    letters
      .filter((l) => l !== '.' && letters.indexOf(l) === letters.lastIndexOf(l))
      .sort()
      .join('');
  return [contract(named, axesOf(right ?? implicit, most), operands[0]!.type)];
}

/** By elimination with the largest pivot of each column. */
function determinantOf(matrix: Float64Array, n: number): number {
  const m = matrix.slice();
  let result = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++)
      if (Math.abs(m[i * n + k]!) > Math.abs(m[pivot * n + k]!)) pivot = i;
    if (m[pivot * n + k] === 0) return 0;
    if (pivot !== k) {
      result = -result;
      for (let j = k; j < n; j++)
        [m[k * n + j], m[pivot * n + j]] = [m[pivot * n + j]!, m[k * n + j]!];
    }
    result *= m[k * n + k]!;
    for (let i = k + 1; i < n; i++) {
      const factor = m[i * n + k]! / m[k * n + k]!;
      for (let j = k; j < n; j++) m[i * n + j]! -= factor * m[k * n + j]!;
    }
  }
  return result;
}

function det(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const n = x.dims.at(-1) ?? 0;
  if (x.dims.at(-2) !== n) throw invalid(c, 'E_SHAPE_MISMATCH', `[${x.dims}] is not square`);
  const dims = x.dims.slice(0, -2);
  const values = numbersOf(x);
  const results = Float64Array.from({ length: volume(dims) }, (_, i) =>
    determinantOf(values.subarray(i * n * n, (i + 1) * n * n), n),
  );
  return [tensorOf(x.type, results, dims)];
}

export const matmulEvaluators: readonly Evaluator[] = [
  {
    op: 'MatMul',
    evaluate: (c) => [multiplied(tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 0).type)],
  },
  { op: 'MatMulInteger', evaluate: matmulInteger },
  { op: 'QLinearMatMul', evaluate: qlinearMatmul },
  { op: 'Gemm', evaluate: gemm },
  { op: 'Einsum', evaluate: einsum },
  { op: 'Det', evaluate: det },
];
