type Rows = 'outer*count';

interface Pointer<N extends string, K extends string, T extends string> {
  readonly name: N;
  readonly kind: K;
  readonly type: T;
  readonly length: Rows;
}

type Parameters<T extends string> = readonly [
  Pointer<'a', 'in', 'f32'>,
  Pointer<'b', 'in', 'f32'>,
  Pointer<'y', 'out', T>,
  {
    readonly name: 'outer';
    readonly kind: 'size';
    readonly type: 'u32';
    readonly values: readonly number[];
  },
  { readonly name: 'count'; readonly kind: 'size'; readonly type: 'u32'; readonly tile: number },
  {
    readonly name: 'mode';
    readonly kind: 'scalar';
    readonly type: 'u32';
    readonly values: readonly number[];
  },
];

interface Row<N extends string, C extends string, T extends string> {
  readonly name: `f32_${N}`;
  readonly module: 'library';
  readonly parameters: Parameters<T>;
  readonly result: null;
  readonly contract: C;
  readonly bench: Readonly<Record<string, number>>;
}

type Exact = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'prelu';
type Compare = 'equal' | 'less' | 'less_equal';

/** Any row of this family. */
export type BinaryRow =
  | { [N in Exact]: Row<N, 'exact', 'f32'> }[Exact]
  | Row<'pow', 'bounded', 'f32'>
  | { [N in Compare]: Row<N, 'exact', 'u8'> }[Compare];

function row<N extends string, C extends string, T extends string>(
  name: N,
  contract: C,
  type: T,
): Row<N, C, T> {
  return {
    name: `f32_${name}`,
    module: 'library',
    parameters: [
      { name: 'a', kind: 'in', type: 'f32', length: 'outer*count' },
      { name: 'b', kind: 'in', type: 'f32', length: 'outer*count' },
      { name: 'y', kind: 'out', type, length: 'outer*count' },
      { name: 'outer', kind: 'size', type: 'u32', values: [1, 3, 2] },
      { name: 'count', kind: 'size', type: 'u32', tile: 4 },
      { name: 'mode', kind: 'scalar', type: 'u32', values: [0, 1, 2, 4, 5, 6, 8, 9, 10] },
    ],
    result: null,
    contract,
    bench: { outer: 1, count: 1048576, mode: 0 },
  };
}

export const binaryRows: readonly BinaryRow[] = [
  row('add', 'exact', 'f32'),
  row('sub', 'exact', 'f32'),
  row('mul', 'exact', 'f32'),
  row('div', 'exact', 'f32'),
  row('min', 'exact', 'f32'),
  row('max', 'exact', 'f32'),
  row('prelu', 'exact', 'f32'),
  row('pow', 'bounded', 'f32'),
  row('equal', 'exact', 'u8'),
  row('less', 'exact', 'u8'),
  row('less_equal', 'exact', 'u8'),
];
