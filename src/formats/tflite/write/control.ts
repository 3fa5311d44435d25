import { constantOfValue } from '../../../ir/constant.ts';
import { Graph, type Node, type Value } from '../../../ir/graph.ts';
import { allGraphs } from '../../../ir/walk.ts';
import { binary, cast, concat, copy, reshape } from './blocks.ts';
import { compare } from './elementwise.ts';
import type { Emitter, Row } from './emitter.ts';
import { makeOperand, type Operand } from './operand.ts';

/** Bodies become subgraphs. They see nothing around them: what they read there is an input of theirs. */

/** Computed values of the graphs around some bodies that these read. */
function capturedBy(bodies: readonly Graph[]): Value[] {
  const inside = new Set(bodies.flatMap((body) => [...allGraphs(body)]));
  const captured = new Set<Value>();
  const see = (value: Value | null): void => {
    if (value === null || inside.has(value.graph) || constantOfValue(value) !== null) return;
    captured.add(value);
  };
  for (const graph of inside) {
    for (const node of graph.nodes) for (const value of node.inputs) see(value);
    for (const value of graph.outputs) see(value);
  }
  return [...captured];
}

function bodyOf(node: Node, name: string): Graph {
  const body = node.attributes.get(name);
  return body?.type === 'graph' ? body.value : new Graph(name);
}

const branch: Row = (e, node) => {
  const bodies = ['then_branch', 'else_branch'].map((name) => bodyOf(node, name));
  const captured = capturedBy(bodies);
  const given = captured.map((value) => e.operandOf(value));
  const [thenSubgraphIndex, elseSubgraphIndex] = bodies.map((body) =>
    e.context.subgraph(body, (inner) => {
      captured.forEach((value, index) => {
        inner.define(value, inner.inputLike(given[index]!));
      });
    }),
  );
  const outs = node.outputs.map((_, index) => e.out(index));
  const value = { thenSubgraphIndex: thenSubgraphIndex!, elseSubgraphIndex: elseSubgraphIndex! };
  const condition = reshape(e, e.in(0), []);
  e.op('IF', [condition, ...given], outs, { type: 'IfOptions', value });
};

/** What goes round in a loop: the number of the round, how many there are, whether to go on; the values carried;
 *  what has been collected of each round; what the body reads around it. */
const loop: Row = (e, node) => {
  const body = bodyOf(node, 'body');
  const captured = capturedBy([body]);
  const carriedCount = node.inputs.length - 2;
  const limit = e.has(0) ? reshape(e, e.in(0), []) : e.scalar(2 ** 53 - 1, 'int64');
  const goOn = e.has(1) ? reshape(e, e.in(1), []) : e.scalar(1, 'bool');
  const collected = body.outputs.slice(1 + carriedCount).map((value): Operand => {
    const type = value.type?.kind === 'tensor' ? value.type : null;
    if (type?.dtype == null || type.shape === null)
      throw e.fail('SHAPE', `the rank of "${value.name}", which is collected, is not known`);
    const dims = type.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
    return emptyList(e, type.dtype, dims);
  });
  const carried = Array.from({ length: carriedCount }, (_, index) => e.in(index + 2));
  const around = captured.map((value) => e.operandOf(value));
  const start = [e.scalar(0, 'int64'), limit, goOn, ...carried, ...collected, ...around];
  const open = start.map((operand, index) =>
    index < 3 || index >= start.length - around.length ? operand : loosened(e, operand, index),
  );
  const condSubgraphIndex = e.context.made(new Graph(`${node.name}_condition`), node, (inner) => {
    const [round, most, flag] = open.map((operand) => inner.inputLike(operand));
    const isBefore = compare(inner, 'LESS', round!, most!);
    return [binary(inner, 'LOGICAL_AND', isBefore, flag!)];
  });
  const bodySubgraphIndex = e.context.made(body, node, (inner) => {
    const inputs = open.map((operand) => inner.inputLike(operand));
    const [round, most, flag] = inputs as [Operand, Operand, Operand];
    const rest = inputs.slice(3);
    const lists = rest.slice(carriedCount, carriedCount + collected.length);
    [round, flag, ...rest.slice(0, carriedCount)].forEach((operand, index) => {
      inner.define(body.inputs[index]!, operand);
    });
    captured.forEach((value, index) => {
      inner.define(value, rest[carriedCount + lists.length + index]!);
    });
    const results = inner.emit(body);
    const next = binary(inner, 'ADD', round, inner.scalar(1, 'int64'));
    const on = reshape(inner, results[0]!, []);
    const grown = lists.map((list, index) => {
      const item = results[1 + carriedCount + index]!;
      const one = reshape(inner, item, [1, ...(item.shape ?? [])]);
      const shape = [null, ...(item.shape ?? [])];
      return concat(inner, [list, one], 0, inner.temp(list.dtype, shape));
    });
    const outputs = [next, most, on, ...results.slice(1, 1 + carriedCount), ...grown];
    return [...outputs, ...rest.slice(carriedCount + lists.length)];
  });
  const results = open.map((operand) => e.temp(operand.dtype, operand.shape));
  const value = { condSubgraphIndex, bodySubgraphIndex };
  e.op('WHILE', start, results, { type: 'WhileOptions', value });
  node.outputs.forEach((_, index) => {
    if (e.isWanted(index)) copy(e, results[3 + index]!, e.out(index));
  });
};

/** What the body makes may be of other sizes than what it began with. */
function loosened(e: Emitter, operand: Operand, index: number): Operand {
  const output = e.node.outputs[index - 3];
  const shape = output?.type?.kind === 'tensor' ? output.type.shape : null;
  return makeOperand(operand.name, operand.dtype, shape, null, operand.quantization);
}

/** A list of nothing: SLICE gives it, as a constant of no elements has no buffer. */
function emptyList(e: Emitter, dtype: Operand['dtype'], dims: readonly number[]): Operand {
  const one = e.constantOf(0, dtype === 'int64' ? 'int32' : dtype, [1, ...dims]);
  const none = e.temp(one.dtype, [0, ...dims]);
  const size = [0, ...dims];
  e.op('SLICE', [one, e.ints(size.map(() => 0)), e.ints(size)], [none]);
  return cast(e, none, dtype);
}

export const controlRows: Readonly<Record<string, Row>> = { If: branch, Loop: loop };
