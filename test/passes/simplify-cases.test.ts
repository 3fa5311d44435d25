import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { clone, constantOfTensor, type Model, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { simplify } from '../../src/passes/simplify.ts';
import type { Data } from '../../src/runtime/data.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import { onnxCases } from '../onnx-cases.ts';
import { interpret } from '../reference/interpret.ts';
import { decodeCase, difference } from '../runtime/conformance.ts';

const x = suite('simplify: the ONNX conformance cases');

/** The model with some of its inputs fixed to what the case feeds: rules then see constants. */
function fixed(model: Model, feeds: Record<string, Data>, from: number): Model {
  const copy = clone(model);
  for (const value of copy.graph.inputs.slice(from)) {
    const data = feeds[value.name];
    if (!(data instanceof Tensor)) continue;
    value.constant = constantOfTensor(data);
    copy.graph.constants.add(value);
  }
  return copy;
}

function outcome(
  model: Model,
  feeds: Record<string, Data>,
  expected: Record<string, Data>,
): string {
  try {
    const names = new Set(model.graph.inputs.map(({ name }) => name));
    const given = Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
    const results = interpret(model, given);
    for (const [name, data] of Object.entries(expected)) {
      const why = difference(results[name], data);
      if (why !== null) return why;
    }
    return '';
  } catch (error) {
    return String(error);
  }
}

/** Every so many cases: the whole takes long. */
for (const [title, from, every] of [
  ['as they are', Infinity, 5],
  ['with all inputs but the first constant', 1, 2],
  ['with all inputs constant', 0, 2],
] as const) {
  x(`what passes still does, ${title}`, async () => {
    const wrong: string[] = [];
    let count = 0;
    const cases = onnxCases().filter((_, index) => index % every === 0);
    for (const item of cases) {
      const { name, model, feeds, expected } = await decodeCase(item);
      if (outcome(fixed(model, feeds, from), feeds, expected) !== '') continue;
      const copy = fixed(model, feeds, from);
      simplify(copy, { ops, evaluate: evaluateNode, check: verify });
      const why = outcome(copy, feeds, expected);
      if (why !== '') wrong.push(`${name}: ${why.slice(0, 200)}`);
      count++;
    }
    assert.equal(wrong, []);
    assert.ok(count >= 0.7 * cases.length, `${count} of ${cases.length}`);
  });
}

x.run();
