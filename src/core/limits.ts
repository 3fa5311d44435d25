import { LimitError, rangeError } from './errors.ts';

/** Named limits on what a file may ask for. Every reader takes them as `{ limits: { … } }`. */
export interface Limits {
  /** Nesting of messages, subgraphs and types. */
  depth: number;
  /** Nodes over all graphs and functions. */
  nodes: number;
  /** Tensors over all graphs. */
  tensors: number;
  /** Dimensions of a tensor. */
  rank: number;
  /** Bytes of one string that is not tensor data. */
  stringBytes: number;
  /** Bytes that decoded objects may take beyond the input; default 3 × input + 32 MB. */
  decodedBytes: number;
}

export const defaultLimits: Readonly<Limits> = {
  depth: 64,
  nodes: 1_000_000,
  tensors: 1_000_000,
  rank: 16,
  stringBytes: 1 << 20,
  decodedBytes: 0,
};

/** Defaults completed for an input of `inputBytes`.
 *  @throws {RangeError} a limit is not a number ≥ 0 */
export function resolveLimits(given: Partial<Limits> | undefined, inputBytes: number): Limits {
  const limits: Limits = { ...defaultLimits, decodedBytes: 3 * inputBytes + 32 * 2 ** 20 };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(defaultLimits, name))
      throw rangeError('limits', Object.keys(defaultLimits).join(' | '), name);
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0))
      throw rangeError(`limits.${name}`, 'a number ≥ 0', value);
    limits[name as keyof Limits] = value;
  }
  return limits;
}

/** Counts towards one limit and throws a LimitError when it is passed. */
export class Budget {
  readonly limit: keyof Limits;
  readonly allowed: number;
  used = 0;

  constructor(limit: keyof Limits, limits: Limits) {
    this.limit = limit;
    this.allowed = limits[limit];
  }

  /** @throws {LimitError} more than allowed has been spent */
  spend(amount: number, where?: string): void {
    this.used += amount;
    if (this.used > this.allowed) {
      throw new LimitError(
        this.limit,
        this.allowed,
        this.used,
        where === undefined ? {} : { where },
      );
    }
  }
}
