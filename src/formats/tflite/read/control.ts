import { Builder } from '../../../ir/build.ts';
import { int64Constant } from '../../../ir/constant.ts';
import { Graph, type Value } from '../../../ir/graph.ts';
import { tensorType } from '../../../ir/types.ts';
import type { GraphReader } from './graph-reader.ts';
import type { OperatorReader, Row } from './operator.ts';
import { typeOf } from './values.ts';

/** Reads a called subgraph into the graph around it; returns its outputs. */
function inline(reader: GraphReader, index: number, values: readonly (Value | null)[]): Value[] {
  const inner = reader.child(index);
  inner.bindInputs(values);
  inner.readOperators();
  return inner.results();
}

function body(o: OperatorReader, index: number): { graph: Graph; inner: GraphReader } {
  const graph = new Graph(o.reader.reading.record.subgraphs?.[index]?.name ?? `body_${index}`);
  return { graph, inner: o.reader.child(index, new Builder(graph)) };
}

/** A condition as ONNX wants it: without axes. */
function scalar(o: OperatorReader, condition: Value): Value {
  if (typeOf(condition).shape?.length === 0) return condition;
  return o.add('Reshape', [condition, o.ints('scalar_shape', [])]);
}

/** Branches see the values around them; ONNX's If has no other inputs. */
function giveIf(o: OperatorReader, then: number, otherwise: number): void {
  const values = o.inputs(1);
  const branch = (index: number): Graph => {
    const { graph, inner } = body(o, index);
    inner.bindInputs(values);
    inner.readOperators();
    inner.makeBodyOutputs(inner.results());
    return graph;
  };
  o.giveAll('If', [scalar(o, o.input(0))], {
    then_branch: { type: 'graph', value: branch(then) },
    else_branch: { type: 'graph', value: branch(otherwise) },
  });
}

/** The condition is computed before the loop, and at the end of each step for the next. */
function giveWhile(o: OperatorReader, condition: number, step: number): void {
  const values = o.inputs();
  if (values.some(({ type }) => type?.kind === 'opaque')) throw o.unsupported('handles in a loop');
  const first = scalar(o, single(o, inline(o.reader, condition, values)));
  const { graph, inner } = body(o, step);
  const counter = inner.fresh('iteration', tensorType('int64', []));
  const running = inner.fresh('running', tensorType('bool', []));
  graph.inputs.push(counter, running);
  inner.makeBodyInputs();
  inner.readOperators();
  const results = inner.results();
  if (results.length !== values.length)
    throw o.unsupported('a body with other outputs than inputs');
  const [next] = inline(inner, condition, results);
  if (next === undefined) throw o.unsupported('a condition without an output');
  const shape = inner.madeConstant('scalar_shape', int64Constant([]));
  const isScalar = typeOf(next).shape?.length === 0;
  const again = isScalar ? next : inner.fresh('again', tensorType('bool', []));
  if (!isScalar) inner.produce('Reshape', [next, shape], again);
  inner.makeBodyOutputs([again, ...results]);
  o.giveAll('Loop', [null, first, ...values], { body: { type: 'graph', value: graph } });
}

function single(o: OperatorReader, values: readonly Value[]): Value {
  const [value] = values;
  if (value === undefined) throw o.unsupported('a condition without an output');
  return value;
}

function call(o: OperatorReader, index: number): void {
  inline(o.reader, index, o.inputs()).forEach((value, at) => {
    // What the subgraph only hands on is a value already.
    if (value.producer === null || o.isInput(value)) o.give('Identity', [value], {}, at);
    else o.alias(at, value);
  });
}

export const controlRows: Readonly<Record<string, Row>> = {
  IF: (o) => {
    const { thenSubgraphIndex, elseSubgraphIndex } = o.options('IfOptions');
    giveIf(o, thenSubgraphIndex, elseSubgraphIndex);
  },
  WHILE: (o) => {
    const { condSubgraphIndex, bodySubgraphIndex } = o.options('WhileOptions');
    giveWhile(o, condSubgraphIndex, bodySubgraphIndex);
  },
  STABLEHLO_WHILE: (o) => {
    const { condSubgraphIndex, bodySubgraphIndex } = o.options('StablehloWhileOptions');
    giveWhile(o, condSubgraphIndex, bodySubgraphIndex);
  },
  CALL: (o) => {
    call(o, o.options('CallOptions').subgraph);
  },
  STABLEHLO_COMPOSITE: (o) => {
    call(o, o.options('StableHLOCompositeOptions').decompositionSubgraphIndex);
  },
};
