import { Builder } from '../../ir/build.ts';
import { Graph, type Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import type { Parts } from './parts.ts';
import { type Emit, int, ints } from './tflite-cells.ts';

/** Nodes beside the one that is expanded. */
export function beside(parts: Parts): Emit {
  return {
    parts,
    op: (op, inputs, attributes = {}) => parts.raw(op, inputs, 1, Object.entries(attributes))[0]!,
  };
}

/** What goes through a sequence. */
export interface Walk {
  readonly isMajor: boolean;
  readonly isBackward: boolean;
  /** States before, matrices. */
  readonly states: readonly Value[];
  /** Sequences of which each step reads one item. */
  readonly inputs: readonly Value[];
  /** The states after a step, of which the first is the step's result. */
  step(e: Emit, states: readonly Value[], items: readonly Value[]): readonly Value[];
}

/** A Scan: the states after the last step, and the results of all steps, laid out as the inputs are. */
export function scan(parts: Parts, walk: Walk): { states: readonly Value[]; all: Value } {
  const { isMajor, isBackward, states, inputs, step } = walk;
  const base = parts.node.outputs[0]!.name || parts.node.op;
  const direction = isBackward ? 'backward' : 'forward';
  const builder = new Builder(new Graph(`${base}/${direction}`));
  let count = 0;
  const name = (hint: string): string => `${base}/${direction}/${hint}_${count++}`;
  const matrix = tensorType('float32', [null, null]);
  const given = states.map(() => builder.input(name('state'), matrix));
  const items = inputs.map(() => builder.input(name('item'), matrix));
  const inside: Emit = {
    parts,
    op: (op, operands, attributes = {}) =>
      builder.node({ op, inputs: operands, attributes: Object.entries(attributes) }, [name(op)])
        .outputs[0]!,
  };
  const after = step(inside, given, items);
  for (const state of after) builder.output(state);
  builder.output(inside.op('Identity', [after[0]!]));
  const axis = isMajor ? 0 : 1;
  const all = (value: number): number[] => inputs.map(() => value);
  const outputs = parts.raw('Scan', [...states, ...inputs], states.length + 1, [
    ['body', { type: 'graph', value: builder.graph }],
    ['num_scan_inputs', int(inputs.length)],
    ['scan_input_axes', ints(...all(axis))],
    ['scan_output_axes', ints(axis)],
    ['scan_input_directions', ints(...all(isBackward ? 1 : 0))],
    ['scan_output_directions', ints(isBackward ? 1 : 0)],
  ]);
  return { states: outputs.slice(0, states.length), all: outputs.at(-1)! };
}
