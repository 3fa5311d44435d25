import { numbersOf } from '../generic/elements.ts';
import { lowerInt8Conv } from '../lower/int8/conv.ts';
import { lowerInt8Product } from '../lower/int8/matmul.ts';
import { type Rounding, ruleOf } from '../lower/int8/rounding.ts';
import type { LowerContext, Lowering } from '../lower/lowering.ts';
import { activationLimits } from './limits.ts';
import { smallMeaning } from './stored.ts';
import { factorsOf } from './sums.ts';

/** Products of 8-bit levels on the integer kernels, rounded twice: the bits of `conv.ts` and `matmul.ts`, faster. */

/** @param single  as `sumsOf` has it */
function twice(single: boolean): Rounding {
  return (c, from, weights, to, limited) => {
    const [x, y] = [smallMeaning(c.inputs[0]), smallMeaning(c.outputs[0])];
    if (x === null || y === null) return null;
    const limits = limited ? activationLimits(c.attributes, y) : y;
    const bias = biasOf(c, weights.scales.length);
    if (limits === null || bias === undefined) return null;
    const isWhole = c.inputs[1]!.quantization!.scale.length === 1;
    const factors = factorsOf(x, weights.scales, y, isWhole && (single || from.unsigned));
    if (!factors.every((factor) => factor > 0 && factor < 2 ** 30)) return null;
    return { rule: ruleOf(factors, to, limits, 'double'), bias };
  };
}

/** Integers of a bias, whatever their scale; undefined for others. */
function biasOf(c: LowerContext, channels: number): Int32Array | null | undefined {
  const operand = c.inputs[2];
  if (operand == null) return null;
  if (operand.storage !== 'int32' || !operand.constant || operand.size !== channels)
    return undefined;
  return Int32Array.from(numbersOf(c.known(2)!));
}

const product = (c: LowerContext, transB: boolean) => lowerInt8Product(c, transB, twice(true));

export const fastProductLowerings: readonly Lowering[] = [
  { op: 'Conv', domain: 'mp', lower: (c) => lowerInt8Conv(c, twice(false)) },
  { op: 'MatMul', lower: (c) => product(c, false) },
  {
    op: 'MatMul',
    domain: 'mp',
    lower: (c) => product(c, c.attributes.int('transB', 0) !== 0),
  },
];
