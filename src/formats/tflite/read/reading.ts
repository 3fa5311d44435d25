import type { Budget, Limits } from '../../../core/limits.ts';
import type { ByteSource } from '../../../core/source.ts';
import type { Constant } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import type { State } from '../../../ir/model.ts';
import type { ReadingTypes } from '../../reading-types.ts';
import type { ExternalBuffers } from '../external.ts';
import type { ModelRecord } from '../records.ts';

/** A tensor's variable, or one with a name: what it holds at a point of the graph. */
export interface Variable {
  readonly input: Value;
  current: Value;
  /** What it holds at first; default zeros. */
  initial?: Constant;
}

/** What reading one file shares. */
export interface Reading {
  readonly record: ModelRecord;
  readonly limits: Limits;
  readonly types: ReadingTypes;
  /** Names of values in all graphs: each is used once. */
  readonly names: Set<string>;
  /** What the record's buffers hold; nothing where they are empty. All tensors of a buffer share its source. */
  readonly buffers: readonly ByteSource[];
  readonly external: ExternalBuffers;
  readonly notes: string[];
  readonly nodes: Budget;
  readonly tensors: Budget;
  /** Variables with a name (VAR_HANDLE), of all subgraphs. */
  readonly variables: Map<string, Variable>;
  readonly states: State[];
}
