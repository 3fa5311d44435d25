import { constantOfValue } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import type { Node } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allNodes, namesAround } from '../../ir/walk.ts';
import { ops } from '../../ops/index.ts';
import { affineIntoLinear } from '../../passes/rules/affine.ts';
import { affineBeforeLinear } from '../../passes/rules/affine-before.ts';
import { concatOfZeros } from '../../passes/rules/arrange.ts';
import { constantNodes, foldConstants } from '../../passes/rules/constants.ts';
import { liftedProducts, liftedRamps } from '../../passes/rules/lift-activations.ts';
import { liftedNorms } from '../../passes/rules/lift-norms.ts';
import { mergedFactors, mergedSums } from '../../passes/rules/merge.ts';
import { constantsLast, noOps } from '../../passes/rules/no-op.ts';
import { padIntoConv } from '../../passes/rules/pad.ts';
import { runRules } from '../../passes/simplify.ts';
import { evaluateNode } from '../../runtime/evaluate-node.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import { biasedProducts, matrixWeights, widenedConstants } from './rules.ts';

/** Operators that a model spells out become one where this operator set has them: HardSwish, LayerNormalization. */
const leastOpset = 17;

/** What a rule's rewrites are, for the report; of others nothing is said. */
const sentences: Readonly<Record<string, string>> = {
  'affine-into-linear': 'scales and shifts by constants folded into the weights before them',
  'affine-before-linear': 'scales and shifts by constants folded into the weights after them',
  'pad-into-conv': 'paddings made part of convolutions',
  'concat-zeros': 'tensors with zeros beside them padded',
  'lift-activation': 'activations that were spelled out made one operator each',
  'lift-hard-sigmoid': 'activations that were spelled out made one operator each',
  'matrix-weights': 'weights with axes of size 1 in front made matrices',
  'biased-product': 'products and the biases behind them made one operator each',
  'widened-constant': 'constants of half floats widened',
};

/** Rewrites a model so that more of it can run on integers, and is rounded less often: scales and shifts by constants go
 *  into weights, activations that are spelled out become one operator, products take the biases behind them. What the
 *  model computes stays the same but for rounding, about 1e-6 of its size; weights that several nodes read stay as they
 *  are. Reads all weights into memory. Returns what was done, one sentence each. */
export async function prepareForIntegers(model: Model): Promise<string[]> {
  await loadWeights(model);
  const rules = [
    constantNodes,
    noOps,
    affineIntoLinear(false, ['BatchNormalization', 'Mul', 'Div', 'Add', 'Sub']),
    affineBeforeLinear(false),
    padIntoConv,
    concatOfZeros,
    constantsLast,
    liftedProducts,
    liftedRamps,
    liftedNorms,
    mergedFactors,
    mergedSums,
    matrixWeights,
    biasedProducts,
    widenedConstants(evaluateNode),
    foldConstants(evaluateNode, { each: 512, total: 65536 }),
  ];
  const opset = Math.max(leastOpset, model.opsets.get('') ?? leastOpset);
  const before = namedLayers(model);
  const { applied } = runRules(model, 'prepare', rules, { ops, opset, evaluate: evaluateNode });
  restoreNames(model, before);
  const counts = new Map<string, number>();
  for (const [rule, count] of Object.entries(applied)) {
    const sentence = sentences[rule];
    if (sentence !== undefined) counts.set(sentence, (counts.get(sentence) ?? 0) + count);
  }
  return [...counts].map(([sentence, count]) => `${count} ${sentence}`);
}

/** Operators that multiply by weights, in order, with the names that callers know them by. */
function namedLayers(model: Model): { node: Node; name: string; weight: string }[] {
  const layers: { node: Node; name: string; weight: string }[] = [];
  for (const node of allNodes(model.graph)) {
    const weight = node.inputs[1];
    if (!multiplying.has(node.op) || weight == null || constantOfValue(weight) === null) continue;
    layers.push({ node, name: node.name, weight: weight.name });
  }
  return layers;
}

const multiplying = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** What was made of an operator and its weights gets their names, where they are free: no rule here makes or removes a
 *  product, so that the n-th is what became of the n-th. */
function restoreNames(model: Model, before: readonly { name: string; weight: string }[]): void {
  const after = namedLayers(model);
  if (after.length !== before.length) return;
  const values = namesAround(model.graph);
  const nodes = new Set([...allNodes(model.graph)].map(({ name }) => name));
  const reason = 'layers are known by their names';
  const edit = new Edit(model, { pass: 'prepare', rule: 'names', reason });
  after.forEach(({ node }, i) => {
    const { name, weight } = before[i]!;
    const held = node.inputs[1]!;
    if (held.constant !== null && !values.has(weight)) edit.rename(held, weight);
    values.add(weight);
    if (name !== '' && !nodes.has(name)) edit.renameNode(node, name);
    nodes.add(name);
  });
  edit.commit();
}
