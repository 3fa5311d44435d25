import type { EditRecord } from './edit.ts';
import { Graph } from './graph.ts';

/** What a model keeps from one run to the next: an input of its graph, and the output that is the next run's input. */
export interface State {
  readonly input: string;
  readonly output: string;
  /** The integer that stands for zero where the input holds integers; 0 elsewhere. An input with a constant begins as
   *  that constant instead. */
  readonly zero: number;
}

/** A graph with what a file says around it. */
export class Model {
  /** Name of the format it was read from: `onnx`. */
  format = '';
  /** Size of the file or files it was read from, 0 if it was built. */
  sourceBytes = 0;
  readonly graph: Graph;
  /** Operator-set versions by domain; '' is ai.onnx. Nodes follow the pinned set, this is what to write. */
  readonly opsets: Map<string, number> = new Map();
  readonly metadata: Map<string, string> = new Map();
  /** Inputs and outputs of the graph, by name, that carry state from run to run; all others are the interface. */
  readonly states: State[] = [];
  /** What was changed since reading, in order. */
  readonly edits: EditRecord[] = [];
  /** The format's own record of what the IR does not model. */
  origin: unknown = null;
  /** Puts the bodies of the model's own functions in the place of their calls, in a copy that is to run; null where
   *  there are none. */
  inlineCalls: ((copy: Model) => void) | null = null;

  constructor(graph: Graph = new Graph('main')) {
    this.graph = graph;
  }
}
