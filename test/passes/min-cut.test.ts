import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { FlowGraph } from '../../src/passes/layout/min-cut.ts';

const x = suite('min cut');

type Edge = [from: number, to: number, capacity: number];

function solve(count: number, edges: readonly Edge[]) {
  const graph = new FlowGraph();
  for (let i = 0; i < count; i++) graph.vertex();
  for (const [from, to, capacity] of edges) graph.edge(from, to, capacity);
  return graph.cut(0, count - 1);
}

x('the network of Cormen, Leiserson, Rivest and Stein (figure 26.1) has a flow of 23', () => {
  const edges: Edge[] = [
    [0, 1, 16],
    [0, 2, 13],
    [2, 1, 4],
    [1, 3, 12],
    [3, 2, 9],
    [2, 4, 14],
    [4, 3, 7],
    [3, 5, 20],
    [4, 5, 4],
  ];
  const { capacity, sinkSide } = solve(6, edges);
  assert.is(capacity, 23);
  assert.equal(sinkSide, [false, false, false, true, false, true]);
});

x('random graphs: no subset of vertices separates for less', () => {
  const next = random(5);
  for (let round = 0; round < 300; round++) {
    const count = 3 + next.below(6);
    const edges: Edge[] = [];
    for (let i = 0; i < count * 3; i++)
      edges.push([next.below(count), next.below(count), next.below(20)]);
    const price = (isSink: (vertex: number) => boolean): number =>
      edges.reduce((sum, [from, to, c]) => sum + (!isSink(from) && isSink(to) ? c : 0), 0);
    let best = Infinity;
    for (let set = 0; set < 1 << (count - 2); set++)
      best = Math.min(
        best,
        price((v) => v === count - 1 || (v > 0 && ((set >> (v - 1)) & 1) === 1)),
      );
    const { capacity, sinkSide } = solve(count, edges);
    assert.is(capacity, best);
    assert.is(
      price((vertex) => sinkSide[vertex]!),
      best,
    );
  }
});

x('a chain of 100,000 vertices is no problem for the stack', () => {
  const count = 100_000;
  const edges = Array.from({ length: count - 1 }, (_, i): Edge => [i, i + 1, i === 777 ? 1 : 2]);
  assert.is(solve(count, edges).capacity, 1);
});

x('no cut where nothing may be cut', () => {
  assert.is(solve(2, [[0, 1, Infinity]]).capacity, Infinity);
});

x.run();
