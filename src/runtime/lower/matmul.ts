import { packStrip, paddedColumns, panelColumns } from '../../kernels/packed.ts';
import { type Activation, activationOf } from './activation.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed, Step } from './lowering.ts';
import { align, isFloat, product } from './operands.ts';

/** y = activation(alpha · a · b + beta · bias), with batches that broadcast. */
interface Product {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number | null;
  readonly activation: Activation;
}

const plain: Product = {
  transA: false,
  transB: false,
  alpha: 1,
  beta: 1,
  bias: null,
  activation: { min: -Infinity, max: Infinity, kernel: null },
};

/** Sizes of products of matrices. */
export interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Matrix numbers of a, b and y for each product. */
  readonly places: readonly (readonly [number, number])[];
}

/** What products two operands make, with batches that broadcast; null for vectors that are turned. */
export function sizesOf(
  a: Operand,
  b: Operand,
  item: Pick<Product, 'transA' | 'transB'>,
): Sizes | null {
  const [aDims, bDims] = [
    a.dims.length === 1 ? [1, ...a.dims] : a.dims,
    b.dims.length === 1 ? [...b.dims, 1] : b.dims,
  ];
  if (aDims.length < 2 || bDims.length < 2) return null;
  const [rows, columns] = [aDims.at(-2)!, aDims.at(-1)!];
  const m = item.transA ? columns : rows;
  const k = item.transA ? rows : columns;
  const n = item.transB ? bDims.at(-2)! : bDims.at(-1)!;
  const [aBatch, bBatch] = [aDims.slice(0, -2), bDims.slice(0, -2)];
  // A matrix for all batches of rows: they are rows of one product.
  if (product(bBatch) === 1 && !item.transA)
    return { m: m * product(aBatch), k, n, places: [[0, 0]] };
  const rank = Math.max(aBatch.length, bBatch.length);
  let places: [number, number][] = [[0, 0]];
  for (let axis = 0; axis < rank; axis++) {
    const p = aBatch[axis - rank + aBatch.length] ?? 1;
    const q = bBatch[axis - rank + bBatch.length] ?? 1;
    const size = p === 1 ? q : p;
    const next: [number, number][] = [];
    for (const [x, y] of places) {
      for (let i = 0; i < size; i++)
        next.push([x * p + (p === 1 ? 0 : i), y * q + (q === 1 ? 0 : i)]);
    }
    places = next;
  }
  return { m, k, n, places };
}

/** Elements of a and y at a time, so that they stay in the cache. */
const chunkElements = 2 ** 16;

function lowerProduct(c: LowerContext, item: Product): Lowered | null {
  const [a, b] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(a) || !isFloat(b) || !isFloat(y)) return null;
  const bias = item.bias === null ? null : (c.inputs[item.bias] ?? null);
  if (bias !== null && !isFloat(bias)) return null;
  const sizes = sizesOf(a, b, item);
  if (sizes === null) return null;
  if (y.size === 0) return { kernel: 'f32_gemm', reads: [], bind: () => () => {} };
  const { m, k, n, places } = sizes;
  const { simd, arena } = c.backend;
  const columns = paddedColumns(n);
  const matrixBytes = 4 * k * columns;
  const isFixed = b.constant;
  const matrices = isFixed ? b.size / Math.max(1, k * n) : 1;
  const packed = isFixed ? packB(c, item, k, n, matrices) : null;
  const rowBias = bias?.constant && isRow(bias, n) ? packRow(c, item, n) : null;
  const zeros =
    rowBias ??
    c.pack(`zeros ${columns}`, [zeroOwner], 4 * columns, (address) => {
      arena.views().f32.fill(0, address >>> 2, (address >>> 2) + columns);
    });
  const addend = bias !== null && rowBias === null ? bias : null;
  const panelBytes = isFixed ? 0 : align(matrixBytes);
  const turnedBytes = item.transA ? align(4 * m * k) : 0;
  const isLate = addend !== null;
  const { min, max, kernel } = item.activation;
  const [low, high] = isLate ? [-Infinity, Infinity] : [min, max];
  const most = Math.max(4, Math.floor(chunkElements / Math.max(1, k + n) / 4) * 4);
  const reads = [0, ...(isFixed ? [] : [1]), ...(addend === null ? [] : [item.bias!])];
  return {
    kernel: m === 1 ? 'f32_gemm row' : 'f32_gemm',
    reads,
    scratchBytes: panelBytes + turnedBytes,
    bind(at) {
      const [from, to, offsets] = [at.input(0), at.output(0), zeros.address];
      const right = isFixed ? packed!.address : at.scratch;
      const source = isFixed ? 0 : at.input(1);
      const turned = at.scratch + panelBytes;
      const steps: Step[] = [];
      let lastB = -1;
      for (const [index, [p, q]] of places.entries()) {
        let left = from + 4 * p * m * k;
        const out = to + 4 * index * m * n;
        const panels = isFixed ? right + q * matrixBytes : right;
        if (!isFixed && q !== lastB) {
          const matrix = source + 4 * q * k * n;
          const panel = panelColumns * k;
          steps.push(
            item.transB
              ? () => simd.f32_pack_rows(matrix, panels, k, n, k, panel, item.alpha)
              : () => simd.f32_pack_columns(matrix, panels, k, n, n, panel, item.alpha),
          );
          lastB = q;
        }
        if (item.transA) {
          const raw = left;
          steps.push(() => simd.f32_transpose_matrix(raw, turned, k, m, m, k));
          left = turned;
        }
        for (let row = 0; row < m; row += most) {
          const count = Math.min(most, m - row);
          const x = left + 4 * row * k;
          const r = out + 4 * row * n;
          steps.push(() =>
            simd.f32_gemm(x, panels, offsets, r, count, n, k, k, panelColumns * k, n, 0, low, high),
          );
        }
      }
      if (addend !== null) steps.push(addStep(c, addend, item, at.input(item.bias!), to, m, n));
      if (kernel !== null) steps.push(() => kernel(simd, to, to, y.size));
      if (steps.length === 1) return steps[0]!;
      return () => {
        for (const step of steps) step();
      };
    },
  };
}

/** What zeros belong to. */
const zeroOwner = {};

const isRow = (bias: Operand, n: number): boolean => bias.size === n && bias.dims.at(-1) === n;

/** Gemm's C [m, n], [m, 1], [1, n] or a scalar, added to all rows. */
function addStep(
  c: LowerContext,
  addend: Operand,
  { beta, activation }: Product,
  from: number,
  to: number,
  m: number,
  n: number,
): Step {
  const rows = addend.dims.length > 1 ? addend.dims.at(-2)! : 1;
  const columns = addend.dims.at(-1) ?? 1;
  const { simd } = c.backend;
  const rowStep = rows === 1 ? 0 : columns;
  const columnStep = columns === 1 ? 0 : 1;
  const { min, max } = activation;
  return () => simd.f32_add_scaled(to, from, m, n, n, rowStep, columnStep, beta, min, max);
}

function packB(c: LowerContext, item: Product, k: number, n: number, matrices: number): Packed {
  const key = `gemm ${item.transB ? 't' : 'n'} ${item.alpha} ${k} ${n}`;
  const bytes = 4 * k * paddedColumns(n);
  return c.pack(key, [1], bytes * matrices, (address) => {
    const data = c.known(1)!.data as Float32Array;
    for (let i = 0; i < matrices; i++) {
      const b = data.subarray(i * k * n, (i + 1) * k * n);
      packStrip({ b, k, n, transposed: item.transB, alpha: item.alpha }, 0, k, address + i * bytes);
    }
  });
}

function packRow(c: LowerContext, item: Product, n: number): Packed {
  const columns = paddedColumns(n);
  return c.pack(`row ${item.beta}`, [item.bias!], 4 * columns, (address) => {
    const { f32 } = c.backend.arena.views();
    f32.fill(0, address >>> 2, (address >>> 2) + columns);
    const bias = c.known(item.bias!)!.data as Float32Array;
    for (let i = 0; i < n; i++) f32[(address >>> 2) + i] = bias[i]! * item.beta;
  });
}

/** Whether a bias is added as Gemm's C is: the same for all batches, or there is one. */
function isAddable(c: LowerContext, input: number): boolean {
  const bias = c.inputs[input];
  const y = c.outputs[0];
  if (bias == null || y == null) return true;
  const outer = bias.dims.slice(0, -2);
  if (product(outer) !== 1) return false;
  const rows = bias.dims.length > 1 ? bias.dims.at(-2)! : 1;
  return rows === 1 || product(y.dims.slice(0, -2)) === 1;
}

export const matmulLowerings: readonly Lowering[] = [
  { op: 'MatMul', lower: (c) => lowerProduct(c, plain) },
  {
    op: 'Gemm',
    lower: (c) =>
      lowerProduct(c, {
        ...plain,
        transA: c.attributes.int('transA', 0) !== 0,
        transB: c.attributes.int('transB', 0) !== 0,
        alpha: c.attributes.float('alpha', 1),
        beta: c.attributes.float('beta', 1),
        bias: 2,
      }),
  },
  {
    op: 'MatMul',
    domain: 'mp',
    lower: (c) =>
      isAddable(c, 2)
        ? lowerProduct(c, {
            ...plain,
            transA: c.attributes.int('transA', 0) !== 0,
            transB: c.attributes.int('transB', 0) !== 0,
            alpha: c.attributes.float('alpha', 1),
            bias: 2,
            activation: activationOf(c.attributes),
          })
        : null,
  },
];
