import type { Constant } from './constant.ts';
import type { EditRecord } from './edit.ts';
import { Graph } from './graph.ts';

/** An output of the graph that is its input at the next run, by name. */
export interface State {
  input: string;
  output: string;
  /** What the input is at first; default zeros. */
  initial?: Constant;
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
  /** What the model remembers from run to run. */
  readonly states: State[] = [];
  /** Other names that callers may give inputs and outputs, with the values' own: those of a signature. */
  readonly aliases: {
    readonly inputs: Map<string, string>;
    readonly outputs: Map<string, string>;
  } = { inputs: new Map(), outputs: new Map() };
  /** What was changed since reading, in order. */
  readonly edits: EditRecord[] = [];
  /** What is in the file besides the graph, one sentence each. */
  readonly about: string[] = [];
  /** What a reader repaired or left out, one sentence each. */
  readonly notes: string[] = [];
  /** The format's own record of what the IR does not model. */
  origin: unknown = null;
  /** Puts the bodies of the model's own functions in the place of their calls, in a copy that is to run; null where
   *  there are none. */
  inlineCalls: ((copy: Model) => void) | null = null;

  constructor(graph: Graph = new Graph('main')) {
    this.graph = graph;
  }
}
