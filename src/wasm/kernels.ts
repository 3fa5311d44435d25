import { type BinaryRow, binaryRows } from './table/binary.ts';
import { blockRows } from './table/block.ts';
import { convRows } from './table/conv.ts';
import { convertRows } from './table/convert.ts';
import { foldRows } from './table/fold.ts';
import { gemmRows } from './table/gemm.ts';
import { image8Rows } from './table/image8.ts';
import { int8Rows } from './table/int8.ts';
import { levelRows } from './table/levels.ts';
import { linalgRows } from './table/linalg.ts';
import { moveRows } from './table/move.ts';
import { normalizeRows } from './table/normalize.ts';
import { poolRows } from './table/pool.ts';
import { quantizeRows } from './table/quantize.ts';
import { reduceRows } from './table/reduce.ts';
import type { KernelRow, Parameter } from './table/row.ts';
import { type UnaryRow, unaryRows } from './table/unary.ts';
import { winogradRows } from './table/winograd.ts';
import { winograd8Rows } from './table/winograd8.ts';

/** Any row of the table, with the literal types of what it says. */
export type TypedRow =
  | (typeof reduceRows)[number]
  | (typeof quantizeRows)[number]
  | (typeof convertRows)[number]
  | (typeof int8Rows)[number]
  | (typeof blockRows)[number]
  | (typeof gemmRows)[number]
  | (typeof linalgRows)[number]
  | UnaryRow
  | BinaryRow
  | (typeof normalizeRows)[number]
  | (typeof foldRows)[number]
  | (typeof moveRows)[number]
  | (typeof poolRows)[number]
  | (typeof levelRows)[number]
  | (typeof image8Rows)[number]
  | (typeof convRows)[number]
  | (typeof winogradRows)[number]
  | (typeof winograd8Rows)[number];

type Numbers<P extends readonly Parameter[]> = { [I in keyof P]: number };

type Bindings<M extends KernelRow['module']> = {
  readonly [R in Extract<TypedRow, { module: M }> as R['name']]: (
    ...values: Numbers<R['parameters']>
  ) => R['result'] extends null ? void : number;
};

/** The exports of kernels.simd.wasm, typed by the table. */
export type SimdKernels = Bindings<'simd'>;
/** The exports of kernels.simd.wasm and kernels.library.wasm together. */
export type LibraryKernels = Bindings<'simd' | 'library'>;
/** The exports of kernels.relaxed.wasm, typed by the table. */
export type RelaxedKernels = Bindings<'relaxed'>;

/** Every kernel. A kernel is one exported function in assembly/ and one row here. */
export const kernelTable: readonly KernelRow[] = [
  ...reduceRows,
  ...quantizeRows,
  ...convertRows,
  ...int8Rows,
  ...blockRows,
  ...gemmRows,
  ...linalgRows,
  ...unaryRows,
  ...binaryRows,
  ...normalizeRows,
  ...foldRows,
  ...moveRows,
  ...poolRows,
  ...levelRows,
  ...image8Rows,
  ...convRows,
  ...winogradRows,
  ...winograd8Rows,
];
