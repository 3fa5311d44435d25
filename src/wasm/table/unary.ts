import type { KernelRow } from './row.ts';

interface Pointer<N extends string, K extends string, T extends string> {
  readonly name: N;
  readonly kind: K;
  readonly type: T;
  readonly length: 'count';
}

interface Scalar<N extends string> {
  readonly name: N;
  readonly kind: 'scalar';
  readonly type: 'f32';
  readonly values: readonly number[];
}

interface Count {
  readonly name: 'count';
  readonly kind: 'size';
  readonly type: 'u32';
  readonly tile: number;
}

type Elementwise<T extends string> = readonly [
  Pointer<'x', 'in', T>,
  Pointer<'y', 'out', T>,
  Count,
];

interface Row<
  N extends string,
  C extends KernelRow['contract'],
  P extends readonly KernelRow['parameters'][number][],
> {
  readonly name: N;
  readonly module: 'library';
  readonly parameters: P;
  readonly result: null;
  readonly contract: C;
  readonly bench: Readonly<Record<string, number>>;
}

/** Functions of one number: the kernel is `f32_` and the name. */
type Bounded =
  | 'exp'
  | 'log'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'sin'
  | 'cos'
  | 'softplus'
  | 'mish'
  | 'silu'
  | 'gelu'
  | 'gelu_tanh';
type Exact =
  | 'hard_swish'
  | 'softsign'
  | 'abs'
  | 'neg'
  | 'sqrt'
  | 'reciprocal'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'sign';
type Wide = 'exp' | 'log' | 'tanh' | 'erf' | 'sin' | 'cos';
type Alpha = readonly [...Elementwise<'f32'>, Scalar<'alpha'>];
type AlphaBeta = readonly [...Elementwise<'f32'>, Scalar<'alpha'>, Scalar<'beta'>];

/** Any row of this family. */
export type UnaryRow =
  | { [N in Bounded]: Row<`f32_${N}`, 'bounded', Elementwise<'f32'>> }[Bounded]
  | { [N in Exact]: Row<`f32_${N}`, 'exact', Elementwise<'f32'>> }[Exact]
  | { [N in Wide]: Row<`f64_${N}`, 'bounded', Elementwise<'f64'>> }[Wide]
  | Row<'f32_elu', 'bounded', Alpha>
  | Row<'f32_leaky_relu', 'exact', Alpha>
  | Row<'f32_selu', 'bounded', AlphaBeta>
  | Row<'f32_clip', 'exact', AlphaBeta>
  | Row<'f32_hard_sigmoid', 'exact', AlphaBeta>
  | Row<
      'f64_pow',
      'bounded',
      readonly [
        Pointer<'a', 'in', 'f64'>,
        Pointer<'b', 'in', 'f64'>,
        Pointer<'y', 'out', 'f64'>,
        Count,
      ]
    >;

const bench = { count: 1048576 };
const count: Count = { name: 'count', kind: 'size', type: 'u32', tile: 4 };

function pointer<N extends string, K extends string, T extends string>(
  name: N,
  kind: K,
  type: T,
): Pointer<N, K, T> {
  return { name, kind, type, length: 'count' };
}

function elementwise<T extends string>(type: T): Elementwise<T> {
  return [pointer('x', 'in', type), pointer('y', 'out', type), count];
}

const floats = elementwise('f32');
const doubles = elementwise('f64');

function row<
  N extends string,
  C extends KernelRow['contract'],
  P extends readonly KernelRow['parameters'][number][],
>(name: N, contract: C, parameters: P): Row<N, C, P> {
  return { name, module: 'library', parameters, result: null, contract, bench };
}

const scalar = <N extends string>(name: N, values: readonly number[]): Scalar<N> => ({
  name,
  kind: 'scalar',
  type: 'f32',
  values,
});

export const unaryRows: readonly UnaryRow[] = [
  row('f32_exp', 'bounded', floats),
  row('f32_log', 'bounded', floats),
  row('f32_tanh', 'bounded', floats),
  row('f32_sigmoid', 'bounded', floats),
  row('f32_erf', 'bounded', floats),
  row('f32_sin', 'bounded', floats),
  row('f32_cos', 'bounded', floats),
  row('f32_softplus', 'bounded', floats),
  row('f32_mish', 'bounded', floats),
  row('f32_silu', 'bounded', floats),
  row('f32_gelu', 'bounded', floats),
  row('f32_gelu_tanh', 'bounded', floats),
  row('f32_elu', 'bounded', [...floats, scalar('alpha', [1, 0.5, 2])]),
  row('f32_selu', 'bounded', [
    ...floats,
    scalar('alpha', [1.7580993, 0.5]),
    scalar('beta', [1.0507009, 2]),
  ]),
  row('f32_clip', 'exact', [...floats, scalar('alpha', [0, -1.5]), scalar('beta', [Infinity, 6])]),
  row('f32_leaky_relu', 'exact', [...floats, scalar('alpha', [0.01, 0.25, -1])]),
  row('f32_hard_sigmoid', 'exact', [...floats, scalar('alpha', [0.2]), scalar('beta', [0.5, 0.1])]),
  row('f32_hard_swish', 'exact', floats),
  row('f32_softsign', 'exact', floats),
  row('f32_abs', 'exact', floats),
  row('f32_neg', 'exact', floats),
  row('f32_sqrt', 'exact', floats),
  row('f32_reciprocal', 'exact', floats),
  row('f32_floor', 'exact', floats),
  row('f32_ceil', 'exact', floats),
  row('f32_round', 'exact', floats),
  row('f32_sign', 'exact', floats),
  row('f64_exp', 'bounded', doubles),
  row('f64_log', 'bounded', doubles),
  row('f64_tanh', 'bounded', doubles),
  row('f64_erf', 'bounded', doubles),
  row('f64_sin', 'bounded', doubles),
  row('f64_cos', 'bounded', doubles),
  row('f64_pow', 'bounded', [
    pointer('a', 'in', 'f64'),
    pointer('b', 'in', 'f64'),
    pointer('y', 'out', 'f64'),
    count,
  ]),
];
