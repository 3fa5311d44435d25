import type { DType } from '../../../src/core/dtype.ts';
import { Tensor } from '../../../src/core/tensor.ts';
import { float, int, type Make } from './make.ts';
import type { Maker } from './maker.ts';

/** Operators that take each element by itself. */

const smooth: Readonly<Record<string, readonly string[]>> = {
  Sigmoid: [],
  Tanh: [],
  Exp: [],
  Softplus: [],
  Erf: [],
  Gelu: [],
  Elu: ['alpha'],
  LeakyRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  HardSwish: [],
  Mish: [],
  Selu: [],
  Softsign: [],
  Sin: [],
  Cos: [],
  Reciprocal: [],
  Log: [],
  Sqrt: [],
  Celu: ['alpha'],
  Swish: ['alpha'],
};

const unary: Record<string, Make> = Object.fromEntries(
  Object.entries(smooth).map(([op, names]): [string, Make] => [
    op,
    (m) => {
      const attributes = Object.fromEntries(
        names.filter(() => m.chance(60)).map((name) => [name, float(m.between(1, 12) / 8)]),
      );
      return m.step(op, [m.float()], { attributes });
    },
  ]),
);

const exactUnary: Record<string, Make> = Object.fromEntries(
  ['Relu', 'Neg', 'Abs', 'Identity'].map((op): [string, Make] => [
    op,
    (m) =>
      m.step(op, [m.pick(({ tensor }) => /^(float32|int32|int64)$/.test(tensor.type))], {
        kind: 'exact',
      }),
  ]),
);

const jumps: Record<string, Make> = Object.fromEntries(
  ['Floor', 'Ceil', 'Round', 'Sign'].map((op): [string, Make] => [
    op,
    (m) =>
      m.step(op, [m.pick(({ tensor, noise }) => tensor.type === 'float32' && noise === 0)], {
        kind: 'jump',
      }),
  ]),
);

/** A second operand: the same value, another of sizes that broadcast, or a constant. */
export function partner(m: Maker, id: number, type: DType = m.type(id)): number {
  const dims = m.dims(id);
  const fits = (other: readonly number[]): boolean =>
    other.every((size, i) => {
      const own = dims[dims.length - other.length + i];
      return own === undefined || own === size || own === 1 || size === 1;
    });
  const other = m.chance(60)
    ? m.pick(({ tensor }) => tensor.type === type && tensor.dims.length <= 5 && fits(tensor.dims))
    : null;
  if (other !== null) return other;
  const rank = m.between(0, dims.length);
  const sizes = dims.slice(dims.length - rank).map((size) => (m.chance(35) ? 1 : size));
  return m.constant(m.tensor(type, sizes));
}

function binary(op: string, types: readonly DType[]): Make {
  return (m) => {
    const type = m.one(types);
    const id = m.pick(({ tensor }) => tensor.type === type);
    if (id === null) return null;
    const operands = [id, partner(m, id)];
    const isExact = type !== 'float32' || op === 'Min' || op === 'Max';
    return m.step(op, m.chance(30) ? operands.toReversed() : operands, {
      kind: isExact ? 'exact' : 'rounds',
    });
  };
}

const arithmetic: readonly DType[] = ['float32', 'float32', 'float32', 'int64', 'int32'];

function comparison(op: string): Make {
  return (m) => {
    const id = m.pick(
      ({ tensor, noise }) => noise === 0 && /^(float32|int32|int64)$/.test(tensor.type),
    );
    return id === null ? null : m.step(op, [id, partner(m, id)], { kind: 'jump' });
  };
}

export const elementwise: Readonly<Record<string, Make>> = {
  ...unary,
  ...exactUnary,
  ...jumps,
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Min', 'Max'].map((op) => [op, binary(op, arithmetic)]),
  ),
  Div: binary('Div', ['float32']),
  ...Object.fromEntries(['Greater', 'LessOrEqual', 'Equal'].map((op) => [op, comparison(op)])),
  And: binary('And', ['bool']),
  Or: binary('Or', ['bool']),
  Not: (m) => m.step('Not', [m.pick(({ tensor }) => tensor.type === 'bool')], { kind: 'exact' }),
  Where: (m) => {
    const id = m.float();
    if (id === null) return null;
    return m.step('Where', [partner(m, id, 'bool'), id, partner(m, id)], { kind: 'exact' });
  },
  Clip: (m) => {
    const bound = (value: number): number | null =>
      m.chance(80) ? m.constant(scalar(value)) : null;
    return m.step('Clip', [m.float(), bound(-m.between(0, 6) / 4), bound(m.between(1, 24) / 4)], {
      kind: 'exact',
    });
  },
  Pow: (m) => m.step('Pow', [m.float(), m.constant(scalar(m.one([2, 3, 1, 0.5, -1])))]),
  PRelu: (m) => {
    const id = m.float(1);
    if (id === null) return null;
    const dims = m.dims(id);
    const slope = dims.length > 1 && m.chance(70) ? [dims[1]!, ...dims.slice(2).map(() => 1)] : [1];
    return m.step('PRelu', [id, m.constant(m.tensor('float32', slope))]);
  },
  Sum: (m) => {
    const id = m.float();
    return id === null ? null : m.step('Sum', [id, partner(m, id), partner(m, id)]);
  },
  Mod: (m) => {
    const id = m.pick(({ tensor }) => tensor.type === 'int64');
    return m.step('Mod', [id, m.integers([m.between(2, 5)])], { kind: 'exact' });
  },
  CastToFloat: (m) =>
    m.step('Cast', [m.pick(({ tensor }) => /^(int32|int64|bool|uint8)$/.test(tensor.type))], {
      attributes: { to: int(1) },
      kind: 'exact',
    }),
  CastToInteger: (m) =>
    m.step('Cast', [m.pick(({ tensor, noise }) => tensor.type === 'float32' && noise === 0)], {
      attributes: { to: int(m.one([6, 7])) },
      kind: 'jump',
    }),
};

function scalar(value: number): Tensor {
  return new Tensor('float32', [value], []);
}
