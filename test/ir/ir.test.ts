import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VerifyError } from '../../src/core/errors.ts';
import {
  Builder,
  clone,
  constantOf,
  Edit,
  int64Constant,
  Model,
  type Node,
  print,
  smallValues,
  tensorType,
  verify,
} from '../../src/ir/index.ts';
import { shortNames } from '../../src/ir/walk.ts';

const x = suite('ir');
const info = { pass: 'test', rule: 'rule', reason: 'because' };

/** y = Relu(x + w), z = Neg(y) */
function small(): { model: Model; nodes: Node[] } {
  const model = new Model();
  const build = new Builder(model.graph);
  const input = build.input('x', tensorType('float32', ['N', 2]));
  const weight = build.constant('w', constantOf('float32', [2], new Uint8Array(8)));
  const add = build.node({ op: 'Add', inputs: [input, weight] }, ['sum']);
  const relu = build.node({ op: 'Relu', inputs: [add.outputs[0]!] }, ['y']);
  const neg = build.node({ op: 'Neg', inputs: [relu.outputs[0]!] }, ['z']);
  build.output(neg.outputs[0]!);
  return { model, nodes: [add, relu, neg] };
}

x('a graph keeps uses and prints itself', () => {
  const { model, nodes } = small();
  verify(model);
  assert.is(nodes[0]!.outputs[0]!.uses.size, 1);
  assert.is(
    print(model.graph),
    `graph main(x: float32 [N, 2]) {
  const w: float32 [2]
  sum: ? = Add(x, w)
  y: ? = Relu(sum)
  z: ? = Neg(y)
  return z
}`,
  );
});

x('an edit replaces a node and is logged', () => {
  const { model, nodes } = small();
  const [add, relu] = nodes as [Node, Node];
  const edit = new Edit(model, info);
  const made = edit.addNode({ before: relu }, { op: 'Clip', inputs: [add.outputs[0]!] }, [
    { name: 'clipped', type: null },
  ]);
  edit.replaceUses(relu.outputs[0]!, made.outputs[0]!);
  edit.removeNode(relu);
  const record = edit.commit();
  verify(model);
  assert.equal(
    model.graph.nodes.map(({ op }) => op),
    ['Add', 'Clip', 'Neg'],
  );
  assert.equal(record.removed, ['Relu "y"']);
  assert.equal(record.added, ['Clip "clipped"']);
  assert.equal(model.edits, [record]);
});

x('an edit that would leave a reader without its value is refused', () => {
  const { model, nodes } = small();
  const edit = new Edit(model, info);
  edit.removeNode(nodes[1]!);
  assert.throws(
    () => edit.commit(),
    (error: unknown) => error instanceof VerifyError,
  );
});

x('a constant in use is not removed', () => {
  const { model } = small();
  const [weight] = model.graph.constants;
  assert.throws(() => new Edit(model, info).removeConstant(weight!), /in use/);
});

x('places: start, end, after', () => {
  const { model, nodes } = small();
  const edit = new Edit(model, info);
  const spec = { inputs: [model.graph.inputs[0]!] };
  edit.addNode({ startOf: model.graph }, { op: 'A', ...spec }, [{ name: 'a', type: null }]);
  edit.addNode({ after: nodes[0]! }, { op: 'B', ...spec }, [{ name: 'b', type: null }]);
  edit.addNode({ endOf: model.graph }, { op: 'C', ...spec }, [{ name: 'c', type: null }]);
  edit.commit();
  assert.equal(
    model.graph.nodes.map(({ op }) => op),
    ['A', 'Add', 'B', 'Relu', 'Neg', 'C'],
  );
  verify(model);
});

for (const [what, damage] of [
  ['order', (m: Model) => m.graph.nodes.reverse()],
  ['a use that is missing', (m: Model) => m.graph.inputs[0]!.uses.clear()],
  ['a producer that is not', (m: Model) => (m.graph.nodes[1]!.outputs[0]!.producer = null)],
  ['a node that is gone', (m: Model) => m.graph.nodes.splice(0, 1)],
  ['a constant without data', (m: Model) => ([...m.graph.constants][0]!.constant = null)],
] as const) {
  x(`verify finds ${what}`, () => {
    const { model } = small();
    damage(model);
    assert.throws(
      () => verify(model),
      (error: unknown) => error instanceof VerifyError,
    );
  });
}

x('short names are none of those that are taken', () => {
  const names = new Set(['q', 'q2', 's']);
  const short = shortNames(names);
  assert.equal(['q', 'q', 'z', 's', 'q', 'z'].map(short), ['q1', 'q3', 'z', 's1', 'q4', 'z1']);
  for (let i = 0; i < 40; i++) short('q');
  assert.ok(names.has('q13'), [...names].join());
});

x('a clone is independent', () => {
  const { model } = small();
  const before = print(model.graph);
  const copy = clone(model);
  verify(copy);
  assert.is(print(copy.graph), before);
  const edit = new Edit(copy, info);
  const last = copy.graph.nodes[2]!;
  edit.setInput(last, 0, copy.graph.inputs[0]!);
  edit.removeNode(copy.graph.nodes[1]!);
  edit.removeNode(copy.graph.nodes[0]!);
  edit.commit();
  verify(copy);
  verify(model);
  assert.is(print(model.graph), before);
});

x('values of bodies are seen from inside only', () => {
  const model = new Model();
  const build = new Builder(model.graph);
  const condition = build.input('c', tensorType('bool', []));
  const data = build.input('x', tensorType('float32', [1]));
  const inner = new Model().graph;
  const body = new Builder(inner);
  const captured = body.node({ op: 'Neg', inputs: [data] }, ['inner']);
  body.output(captured.outputs[0]!);
  const attributes = [['then_branch', { type: 'graph', value: inner }]] as const;
  const node = build.node({ op: 'If', attributes, inputs: [condition] }, ['y']);
  build.output(node.outputs[0]!);
  verify(model);
  const copy = clone(model);
  verify(copy);
  const seen = copy.graph.inputs[1]!;
  assert.is([...seen.uses].length, 1, 'the capture counts as a use of the copy');
  build.node({ op: 'Relu', inputs: [captured.outputs[0]!] }, ['leak']);
  assert.throws(() => verify(model), /can't see/);
});

x('small values are numbers, or bigints where a number would not be exact', () => {
  assert.equal(smallValues(int64Constant([1, -1, 9223372036854775807n])), [
    1,
    -1,
    9223372036854775807n,
  ]);
});

x.run();
