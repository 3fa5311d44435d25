/** What running a model gave, and what it cost: plain data. */

/** One output, or one element of an output that is a sequence. */
export interface RunOutput {
  name: string;
  /** `float32`, `sequence`, `optional`. */
  type: string;
  dims: readonly number[] | null;
  /** Of the elements that are numbers; null where there are none. */
  min: number | null;
  max: number | null;
  mean: number | null;
  /** Elements that are not numbers. */
  notANumber: number;
  /** Index of the largest element along the last axis, if there is one row of them. */
  largest: number | null;
  file: string | null;
}

/** Kernel memory, bytes. */
export interface MemoryReport {
  weights: number;
  activations: number;
}

export interface NodeReport {
  node: string;
  op: string;
  kernel: string;
  runs: number;
  /** Of one run. */
  ms: number;
  macs: number;
}

export interface RunReport {
  kind: 'run';
  version: 1;
  inputs: { name: string; type: string; dims: readonly number[]; from: 'given' | 'random' }[];
  /** Sizes of symbolic dimensions. */
  bindings: Record<string, number>;
  outputs: RunOutput[];
  ms: number;
  memory: MemoryReport;
  nodes: NodeReport[];
}

/** Times of one model. */
export interface ModelTimes {
  model: string;
  bindings: Record<string, number>;
  /** From the file to a session. */
  loadMs: number;
  /** The first run: with planning and packing of weights. */
  firstMs: number;
  bestMs: number;
  medianMs: number;
  runs: number;
  macs: number;
  memory: MemoryReport;
  nodes: NodeReport[];
}

export interface BenchReport {
  kind: 'bench';
  version: 1;
  models: ModelTimes[];
}
