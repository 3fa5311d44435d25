import { VerifyError } from '../core/errors.ts';
import { describe } from './edit.ts';
import { type Graph, Node, type Use, type Value } from './graph.ts';
import type { Model } from './model.ts';
import { allGraphs, isVisible } from './walk.ts';

/** Checks every invariant of the IR: single producers, maintained uses, topological order, visibility,
 *  constants with the right number of bytes, ownership of inner graphs. Linear in the size of the model.
 *  @throws {VerifyError} the first one that is broken: a bug in a reader or a pass */
export function verify(model: Model): void {
  const defined = new Set<Value>();
  const graphs = [...allGraphs(model.graph)];
  const known = new Set(graphs);
  if (known.size !== graphs.length) fail('a graph is the body of two nodes', model.graph);
  for (const graph of graphs) checkMembers(graph);
  checkStates(model);
  checkOrder(model.graph, defined);
  for (const graph of graphs) {
    for (const value of valuesOf(graph)) {
      for (const use of value.uses) checkUse(value, use, known);
    }
  }
}

function* valuesOf(graph: Graph): Generator<Value> {
  const inputs = new Set(graph.inputs);
  yield* inputs;
  for (const value of graph.constants) if (!inputs.has(value)) yield value;
  for (const node of graph.nodes) yield* node.outputs;
}

function checkMembers(graph: Graph): void {
  for (const value of graph.inputs) {
    if (value.graph !== graph) fail(`input "${value.name}" belongs to another graph`, graph);
    if (value.producer !== null) fail(`input "${value.name}" has a producer`, graph);
  }
  for (const value of graph.constants) {
    if (value.constant === null) fail(`constant "${value.name}" has no data`, graph);
    if (value.graph !== graph) fail(`constant "${value.name}" belongs to another graph`, graph);
    if (value.producer !== null) fail(`constant "${value.name}" has a producer`, graph);
  }
  for (const node of graph.nodes) {
    if (node.graph !== graph) fail(`${describe(node)} belongs to another graph`, graph);
    for (const value of node.outputs) {
      if (value.producer !== node)
        fail(`"${value.name}" has another producer than ${describe(node)}`, graph);
      if (value.graph !== graph) fail(`"${value.name}" belongs to another graph`, graph);
      if (value.constant !== null) fail(`"${value.name}" is produced and constant`, graph);
    }
    for (const inner of node.subgraphs()) {
      if (inner.owner !== node) fail(`a body of ${describe(node)} has another owner`, graph);
    }
  }
}

function checkStates({ graph, states }: Model): void {
  for (const { input, output } of states) {
    if (!graph.inputs.some(({ name }) => name === input))
      fail(`the state "${input}" is no input`, graph);
    if (!graph.outputs.some(({ name }) => name === output))
      fail(`"${output}", the next value of "${input}", is no output`, graph);
  }
}

function checkOrder(graph: Graph, defined: Set<Value>): void {
  for (const value of graph.inputs) defined.add(value);
  for (const value of graph.constants) defined.add(value);
  for (const node of graph.nodes) {
    node.inputs.forEach((value, index) => {
      if (value === null) return;
      if (!isVisible(value, graph))
        fail(`${describe(node)} reads "${value.name}" from a graph it can't see`, graph);
      if (!defined.has(value))
        fail(`${describe(node)} reads "${value.name}" before it is made`, graph);
      const use = node.inputUses[index];
      if (use === undefined || use.index !== index || !value.uses.has(use)) {
        fail(
          `input ${index} of ${describe(node)} is missing in the uses of "${value.name}"`,
          graph,
        );
      }
    });
    for (const inner of node.subgraphs()) checkOrder(inner, defined);
    for (const value of node.outputs) defined.add(value);
  }
  graph.outputs.forEach((value, index) => {
    if (!defined.has(value)) fail(`output "${value.name}" is not made`, graph);
    const use = graph.outputUses[index];
    if (use === undefined || !value.uses.has(use))
      fail(`output ${index} is missing in the uses of "${value.name}"`, graph);
  });
}

function checkUse(value: Value, use: Use, known: Set<Graph>): void {
  if (use.user instanceof Node) {
    if (!known.has(use.user.graph) || use.user.inputs[use.index] !== value) {
      fail(`"${value.name}" has a stale use by ${describe(use.user)}`, use.user.graph);
    }
  } else if (!known.has(use.user) || use.user.outputs[use.index] !== value) {
    fail(`"${value.name}" has a stale use as an output`, use.user);
  }
}

function fail(message: string, graph: Graph): never {
  throw new VerifyError(message, {
    code: 'E_VERIFY',
    where: `graph "${graph.name}"`,
    hint: 'this is a bug in modelpress: please report it with the model',
  });
}
