import type { TypedRow } from '../../src/wasm/kernels.ts';
import type { ReadBuffer } from '../../src/wasm/table/row.ts';

interface Arrays {
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  f32: Float32Array;
  f64: Float64Array;
}

type ParametersOf<R extends TypedRow> = R['parameters'][number];

type Buffers<R extends TypedRow> = {
  [P in Extract<ParametersOf<R>, { length: string }> as P['name']]: Arrays[P['type']];
} & {
  [P in ReadsOf<R> as P['name']]: Arrays[P['type']];
};
type ReadsOf<R extends TypedRow> = R extends { reads: readonly (infer P extends ReadBuffer)[] }
  ? P
  : never;
type Values<R extends TypedRow> = {
  [P in Exclude<ParametersOf<R>, { length: string }> as P['name']]: number;
};

/** What a kernel does, as plain loops on copies of its buffers; pointers are indices into what they lead to. A bounded kernel's reference returns how far each
 *  element of its outputs may be off; a checked kernel's gets what the kernel left in the buffers and returned, and
 *  says what is wrong with it, or null; any other returns what the kernel returns. */
export type Reference<R extends TypedRow> = R['contract'] extends 'checked'
  ? (before: Buffers<R>, values: Values<R>, after: Buffers<R>, result: number) => string | null
  : PlainReference<R>;

type PlainReference<R extends TypedRow> = (
  buffers: Buffers<R>,
  values: Values<R>,
) => R['contract'] extends 'bounded'
  ? Record<string, number[]>
  : R['result'] extends null
    ? void
    : number;

/** One reference for each row of the table. */
export type References = { [R in TypedRow as R['name']]: Reference<R> };

export type ReferencesFor<N extends TypedRow['name']> = Pick<References, N>;

/** Calls `visit` for each element of [outer, length, unit] with its parameter's index. */
export function eachElement(
  {
    outer,
    length,
    block,
    unit = 1,
    shared = 0,
  }: {
    outer: number;
    length: number;
    block: number;
    unit?: number;
    shared?: number;
  },
  visit: (element: number, cell: number) => void,
): void {
  const blocks = Math.ceil(length / block);
  for (let o = 0; o < outer; o++) {
    for (let l = 0; l < length; l++) {
      for (let u = 0; u < unit; u++) {
        const cell = ((shared === 1 ? 0 : o * blocks) + Math.floor(l / block)) * unit + u;
        visit((o * length + l) * unit + u, cell);
      }
    }
  }
}
