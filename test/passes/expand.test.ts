import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { verify } from '../../src/ir/index.ts';
import { allNodes } from '../../src/ir/walk.ts';
import { expandOperators } from '../../src/passes/expand/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { disagreement } from '../conversions/agree.ts';
import { isFloatCase } from '../conversions/scope.ts';
import { onnxCases } from '../onnx-cases.ts';
import { type DecodedCase, decodeCase } from '../runtime/conformance.ts';

const expand = suite('expanding operators');

/** How many cases of an operator are written without it, at least. */
const least: Readonly<Record<string, number>> = {
  AffineGrid: 2,
  Attention: 30,
  CausalConvWithState: 6,
  CenterCropPad: 3,
  DFT: 5,
  FlexAttention: 6,
  GatherElements: 2,
  GridSample: 9,
  GRU: 2,
  Hardmax: 4,
  InstanceNormalization: 2,
  LayerNormalization: 10,
  LpNormalization: 3,
  LpPool: 4,
  LinearAttention: 6,
  LRN: 1,
  LSTM: 2,
  NegativeLogLikelihoodLoss: 9,
  RNN: 2,
  Resize: 15,
  RotaryEmbedding: 4,
  ScatterElements: 5,
  SoftmaxCrossEntropyLoss: 16,
  TensorScatter: 2,
};

expand('gives what the operators give, by ONNX’s own cases', async () => {
  const cases = onnxCases().filter(({ name }) => !name.includes('_expanded'));
  const counts = new Map<string, number>();
  for (const item of cases) {
    const decoded = await decodeCase(item).catch(() => null);
    if (decoded === null || !isFloatCase(decoded)) continue;
    const { graph } = decoded.model;
    const before = new Set([...allNodes(graph)].map(({ op }) => op));
    expandOperators(decoded.model, () => false);
    for (const { op } of allNodes(graph)) before.delete(op);
    if (before.size === 0) continue;
    verify(decoded.model);
    assert.equal(differenceOf(decoded), [], item.name);
    for (const op of before) counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  if (cases.length === 0) return;
  for (const [op, count] of Object.entries(least)) assert.ok((counts.get(op) ?? 0) >= count, op);
});

function differenceOf({ model, feeds, expected }: DecodedCase): string[] {
  const session = createSession(model);
  try {
    const results = session.run(feeds);
    return Object.entries(expected).flatMap(([name, data]) => {
      const got = results[name];
      if (!(data instanceof Tensor) || !(got instanceof Tensor)) return [`${name} is no tensor`];
      return disagreement(got, data, { share: 1e-5, quanta: 0 }) ?? [];
    });
  } finally {
    session.dispose();
  }
}

expand.run();
