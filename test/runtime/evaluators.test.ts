import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dtypes } from '../../src/core/dtype.ts';
import { ModelpressError } from '../../src/core/errors.ts';
import { type Random, random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { allNodes } from '../../src/ir/index.ts';
import type { Data } from '../../src/runtime/data.ts';
import { tensorOf } from '../../src/runtime/generic/elements.ts';
import { evaluators, findEvaluator } from '../../src/runtime/generic/index.ts';
import { oneNodeModel } from '../one-node.ts';
import { onnxCases } from '../onnx-cases.ts';
import { interpret } from '../reference/interpret.ts';
import { type DecodedCase, decodeCase, verdict } from './conformance.ts';

const conformance = suite('evaluators: the ONNX conformance cases');

/** What need not agree. */
const exempt: readonly [RegExp, string][] = [
  [/^(training_dropout|bernoulli)/, 'the expected values come from another random source'],
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
  if (cases.length > 0) assert.ok(passed >= 995, `${passed} cases passed`);
});

/** The tensor with other sizes, or with elements that are no sizes, axes or indices. */
function spoiled(tensor: Tensor, source: Random): Tensor {
  const type = tensor.type === 'string' ? 'float32' : tensor.type;
  const dims = [
    tensor.dims.slice(1),
    [...tensor.dims, 2],
    tensor.dims.map((size) => (source.below(2) === 0 ? size + 1 : Math.max(0, size - 1))),
    [0],
    tensor.dims,
  ][source.below(5)]!;
  const count = dims.reduce((product, size) => product * size, 1) * dtypes[type].lanes;
  const hostile = [1e18, -1e18, Number.NaN, 7e4, -3, 1];
  const values = Float64Array.from({ length: count }, () => hostile[source.below(6)]!);
  return tensorOf(type, values, dims);
}

conformance('operands that do not fit end in our errors or in a result', async () => {
  const source = random(5);
  const escaped: string[] = [];
  for (const item of onnxCases()) {
    const { model, feeds, name } = await decodeCase(item);
    const tensors = Object.entries(feeds).filter(([, data]) => data instanceof Tensor);
    if (tensors.length === 0) continue;
    const [input, tensor] = tensors[source.below(tensors.length)]!;
    try {
      interpret(model, { ...feeds, [input]: spoiled(tensor as Tensor, source) });
    } catch (error) {
      if (!(error instanceof ModelpressError)) escaped.push(`${name}: ${(error as Error).stack}`);
    }
  }
  assert.equal(escaped, []);
});

const moves = suite('evaluators: elements that are only moved');

const run = async (...node: Parameters<typeof oneNodeModel>): Promise<Record<string, Data>> => {
  const { bytes, feeds } = oneNodeModel(...node);
  return interpret(await readModel(bytes, { format: 'onnx' }), feeds);
};

moves('strings', async () => {
  const x = new Tensor('string', ['a', 'b', 'c', 'd'], [2, 2]);
  const ints = (...values: number[]): Tensor => new Tensor('int64', values);
  const texts = async (...node: Parameters<typeof oneNodeModel>): Promise<unknown> =>
    ((await run(...node)).y0 as Tensor).data;
  assert.equal(await texts('Transpose', [x], { perm: [1, 0] }, ['string']), ['a', 'c', 'b', 'd']);
  assert.equal(await texts('Concat', [x, x], { axis: 1 }, ['string']), [...'ababcdcd']);
  assert.equal(await texts('Gather', [x, ints(-1)], {}, ['string']), ['c', 'd']);
  assert.equal(await texts('Tile', [x, ints(1, 2)], {}, ['string']), [...'ababcdcd']);
  const condition = new Tensor('bool', [true, false]);
  const other = new Tensor('string', ['z'], []);
  assert.equal(await texts('Where', [condition, x, other], {}, ['string']), [...'azcz']);
  const equal = await run('Equal', [x, new Tensor('string', ['b'], [])], {}, ['bool']);
  assert.equal((equal.y0 as Tensor).data, Uint8Array.of(0, 1, 0, 0));
});

moves('complex numbers, both parts', async () => {
  const x = new Tensor('complex64', Float32Array.of(1, 2, 3, 4, 5, 6), [3]);
  const starts = [[2], [-10], [0], [-1]].map((values) => new Tensor('int64', values));
  const { y0 } = await run('Slice', [x, ...starts], {}, ['complex64']);
  assert.equal((y0 as Tensor).data, Float32Array.of(5, 6, 3, 4, 1, 2));
});

moves('int64 becomes float32 with one rounding', async () => {
  // Just above the middle of two floats: through float64 it would be the middle, and go down to the even one.
  const x = new Tensor('int64', [2n ** 60n + 2n ** 36n + 1n, -(2n ** 60n + 2n ** 36n + 1n)]);
  const { y0 } = await run('Cast', [x], { to: 1 });
  assert.equal((y0 as Tensor).data, Float32Array.of(2 ** 60 + 2 ** 37, -(2 ** 60 + 2 ** 37)));
});

conformance.run();
moves.run();
