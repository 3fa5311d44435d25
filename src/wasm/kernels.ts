import { blockRows } from './table/block.ts';
import { convertRows } from './table/convert.ts';
import { int8Rows } from './table/int8.ts';
import { quantizeRows } from './table/quantize.ts';
import { reduceRows } from './table/reduce.ts';
import type { KernelRow, Parameter } from './table/row.ts';

/** Any row of the table, with the literal types of what it says. */
export type TypedRow =
  | (typeof reduceRows)[number]
  | (typeof quantizeRows)[number]
  | (typeof convertRows)[number]
  | (typeof int8Rows)[number]
  | (typeof blockRows)[number];

type Numbers<P extends readonly Parameter[]> = { [I in keyof P]: number };

type Bindings<M extends KernelRow['module']> = {
  readonly [R in Extract<TypedRow, { module: M }> as R['name']]: (
    ...values: Numbers<R['parameters']>
  ) => R['result'] extends null ? void : number;
};

/** The exports of kernels.simd.wasm, typed by the table. */
export type SimdKernels = Bindings<'simd'>;
/** The exports of kernels.relaxed.wasm, typed by the table. */
export type RelaxedKernels = Bindings<'relaxed'>;

/** Every kernel. A kernel is one exported function in assembly/ and one row here. */
export const kernelTable: readonly KernelRow[] = [
  ...reduceRows,
  ...quantizeRows,
  ...convertRows,
  ...int8Rows,
  ...blockRows,
];
