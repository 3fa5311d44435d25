import type { Tensor } from '../../core/tensor.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Lowered, Operand } from '../lower/lowering.ts';

/** A node of a segment and how it runs. */
export interface Work {
  readonly node: Node;
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly (Operand | null)[];
  readonly lowered: Lowered;
  /** Multiply-accumulates. */
  readonly macs: number;
}

/** A value that a segment takes from outside, or gives. */
export interface Port {
  readonly value: Value;
  readonly operand: Operand;
}

/** Consecutive nodes whose sizes are all known: kernel calls on one block of memory. */
export interface Segment {
  readonly kind: 'segment';
  /** Nodes start..end−1 of the graph. */
  readonly start: number;
  readonly end: number;
  readonly works: readonly Work[];
  /** Computed before, and read by steps. */
  readonly inputs: readonly Port[];
  /** Computed here, and needed later. */
  readonly outputs: readonly Port[];
  /** Known without running: all that is needed later or read by steps. */
  readonly known: ReadonlyMap<Value, Tensor>;
  /** Sizes of the values from outside that the plan holds for… */
  readonly sizes: ReadonlyMap<Value, string>;
  /** …and elements of some of them. */
  readonly contents: ReadonlyMap<Value, Tensor>;
}

/** A node that runs outside of kernel memory: sizes depend on data, sequences, strings, bodies. */
export interface HostNode {
  readonly kind: 'host';
  readonly start: number;
  readonly end: number;
  readonly node: Node;
}

export type Part = Segment | HostNode;
