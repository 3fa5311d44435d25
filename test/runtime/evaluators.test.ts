import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allNodes } from '../../src/ir/index.ts';
import { evaluators, findEvaluator } from '../../src/runtime/generic/index.ts';
import { onnxCases } from '../onnx-cases.ts';
import { interpret } from '../reference/interpret.ts';
import { type DecodedCase, decodeCase, verdict } from './conformance.ts';

const conformance = suite('evaluators: the ONNX conformance cases');

/** What need not agree. */
const exempt: readonly [RegExp, string][] = [
  [/^training_dropout(_default)?(_mask)?$/, 'the expected values come from another random source'],
];

function judge({ model, feeds, expected }: DecodedCase): string | null {
  try {
    return verdict(interpret(model, feeds), expected);
  } catch (error) {
    return String(error);
  }
}

conformance('each case of operators that have evaluators', async () => {
  const wrong: string[] = [];
  let passed = 0;
  const cases = onnxCases();
  for (const item of cases) {
    const decoded = await decodeCase(item);
    const { model, name } = decoded;
    const runs = [...allNodes(model.graph)].every(
      (node) => findEvaluator(evaluators, node.domain, node.op) !== null,
    );
    if (!runs || exempt.some(([pattern]) => pattern.test(name))) continue;
    const found = judge(decoded);
    if (found === null) passed++;
    else wrong.push(`${name}: ${found}`);
  }
  assert.equal(wrong, []);
  if (cases.length > 0) assert.ok(passed >= 790, `${passed} cases passed`);
});

conformance.run();
