import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { Builder, clone, Model, print, tensorType, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { rewrite } from '../../src/passes/manager.ts';
import type { Rule } from '../../src/passes/rule.ts';
import { simplify } from '../../src/passes/simplify.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import { inspectOptimized } from '../../src/runtime/inspect-optimized.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { differenceOf } from './rewrite.ts';

const x = suite('applying rules');

/** Identity, Add 0, Mul 1 in turn. */
function chain(length: number): Model {
  const model = new Model();
  const b = new Builder(model.graph);
  let value = b.input('x', tensorType('float32', [4]));
  for (let i = 0; i < length; i++) {
    const op = i % 2 === 0 ? 'Identity' : 'Relu';
    value = b.node({ op, inputs: [value] }, [`v${i}`]).outputs[0]!;
  }
  b.output(value);
  return model;
}

x('long chains take linear time', () => {
  const ms: number[] = [];
  for (const length of [2_000, 16_000]) {
    const model = chain(length);
    const start = performance.now();
    simplify(model, { ops });
    ms.push(performance.now() - start);
    verify(model);
    assert.equal(
      model.graph.nodes.map(({ op }) => op),
      ['Relu'],
    );
  }
  // Eight times the nodes; a square would be 64 times.
  assert.ok(ms[1]! < 30 * ms[0]! + 50, `${ms}`);
});

x('rules that undo each other end', () => {
  const model = chain(4);
  const swap = (from: string, to: string): Rule => ({
    name: `${from}-to-${to}`,
    reason: 'for ever',
    roots: [from],
    find: (item, c) => () => c.take(item, { op: to, inputs: item.inputs }),
  });
  const { applied } = rewrite(model, 'test', [swap('Neg', 'Relu'), swap('Relu', 'Neg')], { ops });
  verify(model);
  const times = [...applied.values()].reduce((a, b) => a + b);
  assert.ok(times > 4 && times < 2000, `${times}`);
});

const graph = {
  node: [
    node('Add', ['x', 'zero'], ['a']),
    node('Mul', ['a', 'w'], ['b']),
    node('Mul', ['b', 'w'], ['c']),
    node('Identity', ['c'], ['d']),
    node('Relu', ['d'], ['y']),
  ],
  initializer: [floats('zero', [], [0]), floats('w', [4], noise(4, 1))],
  input: [info('x', [4])],
  output: [info('y', null)],
};

x('every number of rewrites gives a sound model that computes the same', async () => {
  const bytes = modelBytes(graph);
  const all = await readModel(bytes);
  const { applied } = simplify(clone(all), { ops, evaluate: evaluateNode });
  const total = Object.values(applied).reduce((a, b) => a + b);
  assert.ok(total >= 4);
  const texts = new Set<string>();
  for (let stopAfter = 0; stopAfter <= total; stopAfter++) {
    const model = clone(all);
    simplify(model, { ops, evaluate: evaluateNode, stopAfter, check: verify });
    texts.add(print(model.graph));
    const feeds = { x: new Tensor('float32', noise(4, 3), [4]) };
    assert.ok((await differenceOf(bytes, await writeModel(model), feeds)) < 1e-6);
  }
  assert.ok(texts.size >= 4);
});

x('each rewrite is logged under its rule, with the reason', async () => {
  const model = await readModel(modelBytes(graph));
  simplify(model, { ops });
  const log = model.edits.map(({ pass, rule }) => `${pass}/${rule}`);
  assert.ok(log.includes('simplify/no-op') && log.includes('simplify/merge-mul'), log.join());
  for (const { reason } of model.edits) assert.ok(reason.length > 0);
});

x('an initializer that is an input may stay one, and is then no constant', async () => {
  const listed = { ...graph, input: [info('x', [4]), info('zero', [])] };
  const bytes = modelBytes(listed);
  const open = await readModel(bytes);
  simplify(open, { ops, keepInputs: true, check: verify });
  assert.ok(open.graph.nodes.some(({ op }) => op === 'Add'));
  assert.is(open.graph.inputs.length, 2);
  const closed = await readModel(bytes);
  simplify(closed, { ops, check: verify });
  assert.not(closed.graph.nodes.some(({ op }) => op === 'Add'));
  assert.is(closed.graph.inputs.length, 1);
});

x('sizes of inputs may be given for a graph that is only for these', async () => {
  const dynamic = {
    node: [
      node('Shape', ['x'], ['s']),
      node('ConstantOfShape', ['s'], ['z'], { value: floats('one', [1], [1]) }),
      node('Add', ['x', 'z'], ['y']),
    ],
    input: [info('x', ['n'])],
    output: [info('y', null)],
  };
  const model = await readModel(modelBytes(dynamic));
  simplify(model, { ops, inputs: { x: [5] }, check: verify });
  assert.equal(
    model.graph.nodes.map(({ op }) => op),
    ['Add'],
  );
});

x('nodes of unknown operators stay, whether they are read or not', async () => {
  const strange = { ...node('Strange', ['x'], ['z']), domain: 'com.example' };
  const model = await readModel(modelBytes({ ...graph, node: [...graph.node, strange] }));
  simplify(model, { ops, check: verify });
  assert.ok(model.graph.nodes.some(({ op }) => op === 'Strange'));
});

x('what a session makes of a graph is told, and the model stays', async () => {
  const model = await readModel(modelBytes(graph));
  const before = print(model.graph);
  const report = inspectOptimized(model);
  assert.is(print(model.graph), before);
  assert.is(report.before.nodes, 5);
  assert.equal(report.after, { nodes: 1, operators: { 'mp.Mul': 1 } });
  assert.ok(report.rewrites.some(({ rule }) => rule === 'activation-into-producer'));
});

x.run();
