import type { Dim, Shape } from '../../../core/shape.ts';
import { type Activation, activationOf, noActivation } from '../../../ops/activation.ts';
import { activate, fusedActivation } from './activation.ts';
import { binary, broadcastShapes, reshape, transpose } from './blocks.ts';
import { type Emitter, knownRank, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';

export interface Product {
  a: Operand;
  b: Operand;
  transA: boolean;
  transB: boolean;
  /** Added after the factor; null for none. */
  bias: Operand | null;
  factor: number;
  activation: Activation;
}

/** The last two axes exchanged. */
function turned(e: Emitter, x: Operand): Operand {
  const rank = knownRank(e, x);
  const perm = Array.from({ length: rank }, (_, axis) =>
    axis < rank - 2 ? axis : axis === rank - 1 ? rank - 2 : rank - 1,
  );
  return transpose(e, x, perm);
}

/** A matrix product: FULLY_CONNECTED where the right operand is a constant matrix, else BATCH_MATMUL. */
export function product(e: Emitter, p: Product, out: Operand): Operand {
  const fused = fusedActivation(p.activation);
  const isConstant = p.b.constant !== null && matrixRank(p.b) === 2 && knownRank(e, p.a) >= 1;
  if (isConstant) {
    const weights = asMatrix(e, p.transB ? p.b : turned(e, p.b));
    const [columns] = knownSizes(e, weights) as readonly [number, number];
    const bias = p.factor === 1 && p.bias !== null ? columnBias(e, p.bias, columns) : null;
    const isWhole = p.factor === 1 && (p.bias === null || bias !== null) && fused !== null;
    const value = { keepNumDims: true, fusedActivationFunction: isWhole ? fused : 0 };
    const a = p.transA ? turned(e, p.a) : p.a;
    const rows = knownRank(e, a) === 1 ? reshape(e, a, [1, a.shape![0]!]) : a;
    const shape = [...rows.shape!.slice(0, -1), columns];
    const isShaped = rows === a && knownRank(e, out) === shape.length;
    const to =
      isWhole && isShaped
        ? out
        : e.isInteger
          ? likeOutput(e, out, shape)
          : e.temp('float32', shape);
    const zero = e.floats(new Float32Array(columns));
    e.op('FULLY_CONNECTED', [rows, weights, bias ?? zero], [to], {
      type: 'FullyConnectedOptions',
      value,
    });
    if (to === out) return out;
    const rest = { ...p, bias: bias === null ? p.bias : null };
    if (isWhole) return reshape(e, to, out.shape ?? [], out);
    return finish(e, shapedAs(e, to, out), rest, out);
  }
  const plain = p.factor === 1 && p.bias === null && p.activation.kind === 'none';
  const to = plain ? out : e.temp('float32', out.shape);
  batched(e, p, to);
  return plain ? out : finish(e, to, p, out);
}

function likeOutput(e: Emitter, out: Operand, shape: Shape): Operand {
  return { ...e.temp(out.dtype, shape), quantization: out.quantization };
}

function shapedAs(e: Emitter, x: Operand, out: Operand): Operand {
  return out.shape === null || x.shape?.length === out.shape.length ? x : reshape(e, x, out.shape);
}

/** Axes of a matrix; those of size 1 before its last two don't count. */
function matrixRank({ shape }: Operand): number {
  if (shape === null || shape.length < 2) return shape?.length ?? 0;
  return shape.slice(0, -2).every((dim) => dim === 1) ? 2 : shape.length;
}

function asMatrix(e: Emitter, w: Operand): Operand {
  return w.shape!.length === 2 ? w : reshape(e, w, w.shape!.slice(-2));
}

/** A bias that is one number for each column. */
function columnBias(e: Emitter, bias: Operand, columns: number): Operand | null {
  const sizes = bias.shape;
  if (sizes === null || bias.constant === null) return null;
  const isRow = sizes.at(-1) === columns && sizes.slice(0, -1).every((dim) => dim === 1);
  return isRow ? reshape(e, bias, [columns]) : null;
}

/** What FULLY_CONNECTED or BATCH_MATMUL could not do itself. */
function finish(e: Emitter, x: Operand, p: Product, out: Operand): Operand {
  const fused = fusedActivation(p.activation);
  const steps: ((from: Operand, to?: Operand) => Operand)[] = [];
  if (p.factor !== 1) steps.push((from, to) => binary(e, 'MUL', from, e.scalar(p.factor), to));
  if (p.bias !== null) steps.push((from, to) => binary(e, 'ADD', from, p.bias!, to));
  if (fused !== 0 || steps.length === 0)
    steps.push((from, to) => activate(e, from, p.activation, to));
  return steps.reduce(
    (from, step, index) => step(from, index === steps.length - 1 ? out : undefined),
    x,
  );
}

/** BATCH_MATMUL wants at least matrices. */
function batched(e: Emitter, p: Product, out: Operand): void {
  let [a, b] = [p.a, p.b];
  const [rankA, rankB] = [knownRank(e, a), knownRank(e, b)];
  if (rankA === 1) a = reshape(e, a, [1, a.shape![0]!]);
  if (rankB === 1) b = reshape(e, b, [b.shape![0]!, 1]);
  const [rows, columns] = [p.transA ? -1 : -2, p.transB ? -2 : -1];
  const lead = broadcastShapes(a.shape!.slice(0, -2), b.shape!.slice(0, -2))!;
  const shape: Dim[] = [...lead, a.shape!.at(rows)!, b.shape!.at(columns)!];
  if (shape.length > 5) throw e.fail('RANK', `a product of rank ${shape.length}`);
  const isShaped = rankA > 1 && rankB > 1;
  const to = isShaped ? out : e.temp('float32', shape);
  const value = { adjX: p.transA, adjY: p.transB };
  e.op('BATCH_MATMUL', [a, b], [to], { type: 'BatchMatMulOptions', value });
  if (!isShaped) reshape(e, to, out.shape!, out);
}

const matmul: Row = (e) => {
  const { attributes } = e;
  const [a, b, out] = [e.in(0), e.in(1), e.out()];
  const flags = {
    transA: attributes.int('transA', 0) !== 0,
    transB: attributes.int('transB', 0) !== 0,
  };
  const factor = attributes.float('alpha', 1);
  const activation = activationOf(e.node);
  product(e, { a, b, ...flags, bias: e.maybe(2), factor, activation }, out);
};

const gemm: Row = (e) => {
  const { attributes } = e;
  const [a, b, out] = [e.in(0), e.in(1), e.out()];
  const beta = attributes.float('beta');
  let bias = beta === 0 ? null : e.maybe(2);
  if (bias !== null && beta !== 1) {
    const numbers = e.numbers(2);
    bias =
      numbers !== null && bias.quantization === null
        ? e.floats(
            numbers.map((x) => x * beta),
            knownSizes(e, bias),
          )
        : binary(e, 'MUL', bias, e.scalar(beta));
  }
  const factor = attributes.float('alpha');
  const flags = { transA: attributes.int('transA') !== 0, transB: attributes.int('transB') !== 0 };
  product(e, { a, b, ...flags, bias, factor, activation: noActivation }, out);
};

export const matmulRows: Readonly<Record<string, Row>> = {
  MatMul: matmul,
  'mp.MatMul': matmul,
  Gemm: gemm,
};
