import type { Random } from '../core/random.ts';
import type { Op } from '../ops/op.ts';
import type { RunTables } from './lower/choose.ts';
import type { WeightStore } from './weights.ts';

/** What all graphs of a session share. */
export interface Resources {
  readonly ops: readonly Op[];
  readonly tables: RunTables;
  readonly store: WeightStore;
  readonly random: Random;
  readonly activations: ActivationBlock;
}

/** The block of kernel memory in which one segment runs at a time. */
export interface ActivationBlock {
  /** Address of a block of at least so many bytes. It may move when it grows. */
  atLeast(bytes: number): number;
  readonly bytes: number;
}
