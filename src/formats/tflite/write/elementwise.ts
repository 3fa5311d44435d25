import type { DType } from '../../../core/dtype.ts';
import { activated } from './activation.ts';
import { binary, cast, same, unary } from './blocks.ts';
import { type Emitter, numbersOf, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';

const reals: readonly DType[] = ['float32'];
const numbers: readonly DType[] = ['float32', 'int32', 'int64'];
const small: readonly DType[] = ['int8', 'uint8', 'int16', 'uint16', 'bool'];

/** The type in which an operator computes: its operands' own, or a wider one that it has. */
export function workingType(e: Emitter, dtype: DType, has: readonly DType[]): DType {
  if (has.includes(dtype)) return dtype;
  if (small.includes(dtype) && has.includes('int32')) return 'int32';
  if (small.includes(dtype) && has.includes('float32')) return 'float32';
  if (dtype === 'uint32' && has.includes('int64')) return 'int64';
  if (dtype === 'int64' && has.includes('int32')) return 'int32';
  throw e.fail('TYPE', `TFLite's operator has no ${dtype}`);
}

/** An operator on elements whose results have the type of its operands. */
export function same2(
  e: Emitter,
  name: string,
  a: Operand,
  b: Operand,
  has: readonly DType[],
  out?: Operand,
): Operand {
  const dtype = workingType(e, a.dtype, has);
  if (dtype === a.dtype) return binary(e, name, a, b, out);
  const wide = binary(e, name, cast(e, a, dtype), cast(e, b, dtype));
  return cast(e, wide, a.dtype, out);
}

function same1(
  e: Emitter,
  name: string,
  x: Operand,
  has: readonly DType[],
  out?: Operand,
): Operand {
  const dtype = workingType(e, x.dtype, has);
  if (dtype === x.dtype) return unary(e, name, x, out);
  return cast(e, unary(e, name, cast(e, x, dtype)), x.dtype, out);
}

const one =
  (name: string, has: readonly DType[] = reals): Row =>
  (e) => {
    same1(e, name, e.in(0), has, e.out());
  };

const two =
  (name: string, has: readonly DType[] = numbers): Row =>
  (e) => {
    same2(e, name, e.in(0), e.in(1), has, e.out());
  };

/** ADD, SUB and MUL may have an activation in them. */
const arithmetic =
  (name: 'ADD' | 'SUB' | 'MUL' | 'DIV'): Row =>
  (e) => {
    const [a, b] = [e.in(0), e.in(1)];
    const has = name === 'DIV' ? ['float32' as const, 'int32' as const] : numbers;
    if (workingType(e, a.dtype, has) !== a.dtype) {
      same2(e, name, a, b, has, e.out());
      return;
    }
    const type = {
      ADD: 'AddOptions',
      SUB: 'SubOptions',
      MUL: 'MulOptions',
      DIV: 'DivOptions',
    } as const;
    activated(e, (fused, out) => {
      const value = { fusedActivationFunction: fused };
      binary(e, name, a, b, out, { type: type[name], value });
    });
  };

/** Operands one after the other. */
const many =
  (name: string, has: readonly DType[]): Row =>
  (e, node) => {
    const operands = node.inputs.map((_, index) => e.in(index));
    if (operands.length === 1) {
      same(e, operands[0]!);
      return;
    }
    operands.slice(1).reduce((sum, operand, index) => {
      const isLast = index === operands.length - 2;
      return same2(e, name, sum, operand, has, isLast ? e.out() : undefined);
    }, operands[0]!);
  };

/** Types that comparisons have. */
const compared: readonly DType[] = ['float32', 'int32', 'int64'];

/** A comparison of numbers, broadcast: booleans. */
export function compare(e: Emitter, name: string, a: Operand, b: Operand, out?: Operand): Operand {
  const has =
    /EQUAL$/.test(name) && a.dtype === 'bool' && !/_EQUAL$|GREATER|LESS/.test(name)
      ? [...compared, 'bool' as const]
      : compared;
  const dtype = workingType(e, a.dtype, has);
  return binary(e, name, cast(e, a, dtype), cast(e, b, dtype), out, undefined, 'bool');
}

const comparison =
  (name: string): Row =>
  (e) => {
    compare(e, name, e.in(0), e.in(1), e.out());
  };

/** tan, sinh …: made of what TFLite has. */
const made =
  (build: (e: Emitter, x: Operand, out: Operand) => void): Row =>
  (e) => {
    build(e, e.in(0), e.out());
  };

const exp = (e: Emitter, x: Operand): Operand => unary(e, 'EXP', x);
const half = (e: Emitter, x: Operand, out: Operand): Operand =>
  binary(e, 'MUL', x, e.scalar(0.5), out);

const reciprocal: Row = (e) => {
  binary(e, 'DIV', e.scalar(1), e.in(0), e.out());
};

/** fmod = 0: the sign of the divisor, as FLOOR_MOD has it; 1: that of the dividend. */
const mod: Row = (e) => {
  const [a, b] = [e.in(0), e.in(1)];
  if (e.attributes.int('fmod') === 0) {
    same2(e, 'FLOOR_MOD', a, b, numbers, e.out());
    return;
  }
  if (a.dtype === 'float32') {
    const [x, y] = [unary(e, 'ABS', a), unary(e, 'ABS', b)];
    const rest = binary(e, 'FLOOR_MOD', x, y);
    const isNegative = binary(e, 'LESS', a, e.scalar(0), undefined, undefined, 'bool');
    e.op('SELECT_V2', [isNegative, unary(e, 'NEG', rest), rest], [e.out()]);
    return;
  }
  const dtype = workingType(e, a.dtype, ['int32', 'int64']);
  const [x, y] = [cast(e, a, dtype), cast(e, b, dtype)];
  const isNegative = binary(e, 'LESS', x, e.scalar(0, dtype), undefined, undefined, 'bool');
  const isDown = binary(e, 'LESS', y, e.scalar(0, dtype), undefined, undefined, 'bool');
  const [less, down] = [unary(e, 'NEG', x), unary(e, 'NEG', y)];
  const [size, by] = [e.temp(dtype, x.shape), e.temp(dtype, y.shape)];
  e.op('SELECT_V2', [isNegative, less, x], [size]);
  e.op('SELECT_V2', [isDown, down, y], [by]);
  const rest = binary(e, 'FLOOR_MOD', size, by);
  const result = e.temp(dtype, rest.shape);
  e.op('SELECT_V2', [isNegative, unary(e, 'NEG', rest), rest], [result]);
  cast(e, result, a.dtype, e.out());
};

const sign: Row = (e) => {
  const x = e.in(0);
  const dtype = workingType(e, x.dtype, ['float32', 'int32']);
  const zero = e.scalar(0, dtype);
  const wide = cast(e, x, dtype);
  const flags = ['GREATER', 'LESS'].map((name) =>
    cast(e, binary(e, name, wide, zero, undefined, undefined, 'bool'), dtype),
  );
  const result = binary(e, 'SUB', flags[0]!, flags[1]!, dtype === x.dtype ? e.out() : undefined);
  if (dtype !== x.dtype) cast(e, result, x.dtype, e.out());
};

const selected: readonly DType[] = ['float32', 'int32', 'int64', 'int8', 'uint8', 'int16', 'bool'];

/** Where a condition holds one, else another; SELECT_V2 broadcasts. */
const where: Row = (e) => {
  const [condition, a, b] = [e.in(0), e.in(1), e.in(2)];
  const dtype = workingType(e, a.dtype, selected);
  const parts = [condition, cast(e, a, dtype), cast(e, b, dtype)];
  if (dtype === a.dtype) e.op('SELECT_V2', parts, [e.out()]);
  else {
    const wide = e.temp(dtype, e.out().shape);
    e.op('SELECT_V2', parts, [wide]);
    cast(e, wide, a.dtype, e.out());
  }
};

const castTypes: readonly DType[] = [
  'float32',
  'int32',
  'int64',
  'uint8',
  'int8',
  'int16',
  'bool',
  'uint32',
  'uint16',
];

const castRow: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  if (x.dtype === out.dtype) return same(e, x);
  for (const { dtype } of [x, out])
    if (!castTypes.includes(dtype)) throw e.fail('TYPE', `TFLite casts no ${dtype}`);
  // Numbers are true where they are not 0.
  if (out.dtype === 'bool') compare(e, 'NOT_EQUAL', x, e.scalar(0, x.dtype), out);
  else cast(e, x, out.dtype, out);
};

const notNumber: Row = (e) => {
  const x = e.in(0);
  compare(e, 'NOT_EQUAL', x, x, e.out());
};

const isInf: Row = (e) => {
  const x = e.in(0);
  const [up, down] = [
    e.attributes.int('detect_positive') !== 0,
    e.attributes.int('detect_negative') !== 0,
  ];
  const bound = (value: number, out?: Operand): Operand =>
    compare(e, 'EQUAL', x, e.scalar(value), out);
  if (up && down) compare(e, 'EQUAL', unary(e, 'ABS', x), e.scalar(Infinity), e.out());
  else if (up || down) bound(up ? Infinity : -Infinity, e.out());
  else compare(e, 'GREATER', unary(e, 'ABS', x), e.scalar(Infinity), e.out());
};

/** POW takes operands of one type. */
const pow: Row = (e) => {
  const [x, y] = [e.in(0), e.in(1)];
  const exponent = y.constant === null ? null : numbersOf(y.constant);
  if (x.dtype === 'float32' && exponent?.length === 1) {
    if (exponent[0] === 2) return void unary(e, 'SQUARE', x, e.out());
    if (exponent[0] === 0.5) return void unary(e, 'SQRT', x, e.out());
  }
  const dtype =
    x.dtype === 'float32' || y.dtype === 'float32' ? 'float32' : workingType(e, x.dtype, ['int32']);
  const result = binary(
    e,
    'POW',
    cast(e, x, dtype),
    cast(e, y, dtype),
    dtype === x.dtype ? e.out() : undefined,
  );
  if (dtype !== x.dtype) cast(e, result, x.dtype, e.out());
};

/** log(y + √(y² ± 1)) and the like lose digits near 0: these are for the middle of their range. */
const inverse: Readonly<Record<string, Row>> = {
  Acos: made((e, x, out) => {
    e.op('ATAN2', [unary(e, 'SQRT', oneMinusSquare(e, x)), x], [out]);
  }),
  Asin: made((e, x, out) => {
    e.op('ATAN2', [x, unary(e, 'SQRT', oneMinusSquare(e, x))], [out]);
  }),
  Atan: made((e, x, out) => {
    const one = binary(e, 'ADD', binary(e, 'MUL', x, e.scalar(0)), e.scalar(1));
    e.op('ATAN2', [x, one], [out]);
  }),
  Acosh: made((e, x, out) => {
    const inner = binary(
      e,
      'MUL',
      binary(e, 'SUB', x, e.scalar(1)),
      binary(e, 'ADD', x, e.scalar(1)),
    );
    unary(e, 'LOG', binary(e, 'ADD', x, unary(e, 'SQRT', inner)), out);
  }),
  Asinh: made((e, x, out) => {
    const size = unary(e, 'ABS', x);
    const length = unary(e, 'SQRT', binary(e, 'ADD', unary(e, 'SQUARE', x), e.scalar(1)));
    const positive = unary(e, 'LOG', binary(e, 'ADD', size, length));
    const isNegative = compare(e, 'LESS', x, e.scalar(0));
    e.op('SELECT_V2', [isNegative, unary(e, 'NEG', positive), positive], [out]);
  }),
  Atanh: made((e, x, out) => {
    const [up, down] = [binary(e, 'ADD', x, e.scalar(1)), binary(e, 'SUB', e.scalar(1), x)];
    half(e, binary(e, 'SUB', unary(e, 'LOG', up), unary(e, 'LOG', down)), out);
  }),
};

/** (1 − x)(1 + x) */
function oneMinusSquare(e: Emitter, x: Operand): Operand {
  return binary(e, 'MUL', binary(e, 'SUB', e.scalar(1), x), binary(e, 'ADD', x, e.scalar(1)));
}

const trigonometric: Readonly<Record<string, Row>> = {
  Tan: made((e, x, out) => {
    binary(e, 'DIV', unary(e, 'SIN', x), unary(e, 'COS', x), out);
  }),
  Sinh: made((e, x, out) => {
    half(e, binary(e, 'SUB', exp(e, x), exp(e, unary(e, 'NEG', x))), out);
  }),
  Cosh: made((e, x, out) => {
    half(e, binary(e, 'ADD', exp(e, x), exp(e, unary(e, 'NEG', x))), out);
  }),
  ...inverse,
};

/** Max and Min have their own list. */
const extremes: readonly DType[] = ['float32', 'int32', 'int64', 'int8', 'uint8', 'int16'];

export const elementwiseRows: Readonly<Record<string, Row>> = {
  Add: arithmetic('ADD'),
  Sub: arithmetic('SUB'),
  Mul: arithmetic('MUL'),
  Div: arithmetic('DIV'),
  'mp.Add': arithmetic('ADD'),
  'mp.Sub': arithmetic('SUB'),
  'mp.Mul': arithmetic('MUL'),
  Max: many('MAXIMUM', extremes),
  Min: many('MINIMUM', extremes),
  Sum: many('ADD', numbers),
  Mean: (e, node) => {
    if (node.inputs.length === 1) return same(e, e.in(0));
    const operands = node.inputs.map((_, index) => e.in(index));
    const sum = operands.slice(1).reduce((a, b) => binary(e, 'ADD', a, b), operands[0]!);
    binary(e, 'DIV', sum, e.scalar(operands.length), e.out());
  },
  Pow: pow,
  Mod: mod,
  Neg: one('NEG', numbers),
  Abs: (e, node) => {
    const x = e.in(0);
    if (x.dtype === 'float32') return one('ABS')(e, node);
    // ABS of integers is younger than all that loads the rest.
    const dtype = workingType(e, x.dtype, numbers);
    const wide = cast(e, x, dtype);
    const own = dtype === x.dtype ? e.out() : undefined;
    const size = binary(e, 'MAXIMUM', wide, unary(e, 'NEG', wide), own);
    if (own === undefined) cast(e, size, x.dtype, e.out());
  },
  Exp: one('EXP'),
  Log: one('LOG'),
  Sqrt: one('SQRT'),
  Floor: one('FLOOR'),
  Ceil: one('CEIL'),
  Round: one('ROUND'),
  Sin: one('SIN'),
  Cos: one('COS'),
  Reciprocal: reciprocal,
  Sign: sign,
  ...trigonometric,
  Equal: comparison('EQUAL'),
  Greater: comparison('GREATER'),
  GreaterOrEqual: comparison('GREATER_EQUAL'),
  Less: comparison('LESS'),
  LessOrEqual: comparison('LESS_EQUAL'),
  And: two('LOGICAL_AND', ['bool']),
  Or: two('LOGICAL_OR', ['bool']),
  Xor: (e) => {
    compare(e, 'NOT_EQUAL', e.in(0), e.in(1), e.out());
  },
  Not: one('LOGICAL_NOT', ['bool']),
  Where: where,
  Cast: castRow,
  CastLike: castRow,
  IsNaN: notNumber,
  IsInf: isInf,
  Dropout: (e) => {
    if (e.isWanted(1)) throw e.fail('OUTPUT', 'the mask of a Dropout is read');
    same(e, e.in(0));
  },
};
