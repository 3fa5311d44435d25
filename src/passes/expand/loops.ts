import { constantOfValue, smallValues } from '../../ir/constant.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Nodes that loops may become, in all. */
const mostNodes = 20_000;

function bodyOf(p: Parts): Graph {
  const body = p.node.attributes.get('body');
  return body?.type === 'graph' ? body.value : p.stop('it has no body');
}

function checkSize(p: Parts, body: Graph, times: number): void {
  if (times * body.nodes.length > mostNodes) p.stop('it would become too many nodes');
}

/** The only element of a constant. */
function scalarOf(value: Value | null | undefined): number | null {
  const constant = value == null ? null : constantOfValue(value);
  const values = constant === null ? null : smallValues(constant, 1);
  return values?.length === 1 ? Number(values[0]) : null;
}

/** Whether a body goes on as long as it was told to. */
function goesOn(body: Graph): boolean {
  let value = body.outputs[0]!;
  while (value.producer?.op === 'Identity') value = value.producer.inputs[0]!;
  return value === body.inputs[1] || scalarOf(value) === 1;
}

/** Results of all rounds along a new axis. */
function stacked(p: Parts, rounds: readonly Value[], axis: number): Value {
  const at = p.ints([axis]);
  const parts = rounds.map((value) => p.raw('Unsqueeze', [value, at], 1, [])[0]!);
  if (parts.length === 1) return parts[0]!;
  return p.raw('Concat', parts, 1, [['axis', { type: 'int', value: axis }]])[0]!;
}

/** A loop whose number of rounds is known: its body so many times. */
const loop: Expansion = (p: Parts) => {
  const body = bodyOf(p);
  const times = scalarOf(p.maybe(0));
  const isEndless = p.maybe(1) === null || scalarOf(p.maybe(1)) === 1;
  if (times === null || !isEndless || !goesOn(body)) p.stop('how often it runs is computed');
  checkSize(p, body, times);
  const { inputs, outputs } = p.node;
  const initial = inputs.slice(2);
  let carried = initial.map((_, index) => p.in(index + 2));
  const rounds: Value[][] = [];
  const copier = p.copier(body);
  for (let round = 0; round < times; round++) {
    const results = copier([p.ints([round], []), p.scalarBool(true), ...carried]);
    carried = results.slice(1, 1 + carried.length);
    rounds.push(results.slice(1 + carried.length));
  }
  if (times === 0 && outputs.length > carried.length) p.stop('it runs no round');
  outputs.forEach((_, index) => {
    if (!p.wants(index)) return;
    const at = index - carried.length;
    const list = rounds.map((round) => round[at]!);
    p.end(index, at < 0 ? carried[index]! : stacked(p, list, 0));
  });
};

/** A body over the elements of an axis. */
const scan: Expansion = (p: Parts) => {
  const body = bodyOf(p);
  const { attributes, node } = p;
  const count = attributes.int('num_scan_inputs');
  const states = node.inputs.length - count;
  const lists = (name: string): readonly number[] => attributes.ints(name) ?? [];
  const scanned = Array.from({ length: count }, (_, index) => p.in(states + index));
  const axes = scanned.map((value, index) => {
    const axis = lists('scan_input_axes')[index] ?? 0;
    return axis < 0 ? axis + p.dims(value).length : axis;
  });
  const times = p.dims(scanned[0]!)[axes[0]!]!;
  checkSize(p, body, times);
  if (times === 0) p.stop('it runs no round');
  let carried = Array.from({ length: states }, (_, index) => p.in(index));
  const rounds: Value[][] = [];
  const copier = p.copier(body);
  for (let round = 0; round < times; round++) {
    const items = scanned.map((value, index) => {
      const isBackward = lists('scan_input_directions')[index] === 1;
      const place = p.ints([isBackward ? times - 1 - round : round], []);
      return p.gather(value, place, axes[index]!);
    });
    const results = copier([...carried, ...items]);
    carried = results.slice(0, states);
    rounds.push(results.slice(states));
  }
  node.outputs.forEach((_, index) => {
    if (!p.wants(index)) return;
    const at = index - states;
    if (at < 0) {
      p.end(index, carried[index]!);
      return;
    }
    const list = rounds.map((round) => round[at]!);
    if (lists('scan_output_directions')[at] === 1) list.reverse();
    p.end(index, stacked(p, list, lists('scan_output_axes')[at] ?? 0));
  });
};

export const loopExpansions: Readonly<Record<string, Expansion>> = { Loop: loop, Scan: scan };
