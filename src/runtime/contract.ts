import { rangeError } from '../core/errors.ts';
import { lowerings } from './lower/index.ts';
import type { Lowering } from './lower/lowering.ts';
import { referenceLowerings } from './reference-contract/index.ts';

/** How quantized operators compute: exact sums with one rounding, or bit for bit as TFLite's reference kernels, which
 *  round twice, and add, multiply and take exponents in fixed point. */
export type Contract = 'single' | 'reference';

const tables: Readonly<Record<Contract, readonly Lowering[]>> = {
  single: lowerings,
  reference: [...referenceLowerings, ...lowerings],
};

/** Whether it names a contract. */
export function isContract(name: string): name is Contract {
  return Object.hasOwn(tables, name);
}

/** The lowerings of a contract.
 *  @throws {RangeError} no contract */
export function loweringsOf(contract: Contract): readonly Lowering[] {
  if (!isContract(contract))
    throw rangeError('contract', Object.keys(tables).join(' | '), contract);
  return tables[contract];
}
