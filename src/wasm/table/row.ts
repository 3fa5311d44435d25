/** Element types of buffers. f16 and bf16 hold bit patterns. */
export type ElementType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64';

/** What a buffer's values look like, where any value would not do: generated tests draw them so. */
export type Domain =
  | 'finite'
  | 'scale'
  | 'zero8'
  | 'zero16'
  | 'level'
  | 'seven bits'
  | 'count'
  | 'extreme'
  | 'nine bits'
  | 'sum'
  | 'multiplier'
  | 'shift'
  /** Bytes that as f32 are below 1; with a top bit of 0 in the other. */
  | 'bytes and floats'
  | 'seven bits and floats'
  | 'unit'
  | 'ascending';

/** A pointer to `length` elements. `length` is a sum of products of sizes, numbers and `ceil(a/b)`. With
 *  `below`, such a sum too, the elements are row numbers 0 … below − 1, or −1 for none. */
export interface BufferParameter {
  readonly name: string;
  readonly kind: 'in' | 'out' | 'inout' | 'scratch';
  readonly type: ElementType;
  readonly length: string;
  readonly domain?: Domain;
  readonly below?: string;
  /** The elements are addresses in this buffer, each with `reach` (a size) elements and 8 more behind it. */
  readonly to?: string;
  readonly reach?: string;
}

/** A buffer that a kernel knows only through addresses in another one. */
export interface ReadBuffer {
  readonly name: string;
  readonly type: ElementType;
  readonly length: string;
  readonly domain?: Domain;
}

/** An unsigned size. `tile` marks the one that the kernel vectorizes: tests take all values up to 2·tile + 1.
 *  The others take `values`; with `least`, a sum of products of earlier sizes, that many more (a leading dimension). */
export interface SizeParameter {
  readonly name: string;
  readonly kind: 'size';
  readonly type: 'u32';
  readonly tile?: number;
  readonly least?: string;
  readonly values?: readonly number[];
}

/** Any other number; tests take `values`, the n-th of every scalar together. */
export interface ScalarParameter {
  readonly name: string;
  readonly kind: 'scalar';
  readonly type: 'u32' | 'i32' | 'f32' | 'f64';
  readonly values: readonly number[];
}

export type Parameter = BufferParameter | SizeParameter | ScalarParameter;

/** One kernel: an exported function of assembly/ with these parameters in this order. The bindings' types, the
 *  tail, alignment, canary and poison tests and the benchmark all come from the row. */
export interface KernelRow {
  readonly name: string;
  /** simd: what quantizing needs; library: everything else in baseline SIMD; relaxed: integer dots. */
  readonly module: 'simd' | 'library' | 'relaxed';
  readonly parameters: readonly Parameter[];
  /** What pointers among the parameters lead to. */
  readonly reads?: readonly ReadBuffer[];
  readonly result: 'u32' | null;
  /** exact: the reference's bits. bounded: within the bound that the reference gives for every output element.
   *  checked: the reference says what is wrong with the outputs, where several are right. */
  readonly contract: 'exact' | 'bounded' | 'checked';
  /** Sizes and scalars of a run on a large input; bytes moved follow from the buffers. */
  readonly bench: Readonly<Record<string, number>>;
  /** Multiply-adds of a run, as a product of sizes. */
  readonly macs?: string;
}
