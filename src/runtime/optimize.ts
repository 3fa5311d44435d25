import type { Model } from '../ir/model.ts';
import { ops } from '../ops/index.ts';
import {
  findDynamicProducts,
  findHybridProducts,
  hybridMatrices,
} from '../passes/dynamic-products.ts';
import { expandQuantized } from '../passes/expand-quantized.ts';
import { exportQuantization } from '../passes/export-quantization.ts';
import { importQuantization } from '../passes/import-quantization.ts';
import { assignLayout, channelsLast } from '../passes/layout.ts';
import type { Refusal } from '../passes/manager.ts';
import { fuseForRuntime, optimizeForRuntime } from '../passes/optimize.ts';
import { evaluateNode } from './evaluate-node.ts';
import { mergeBuiltins } from './reference-contract/merge.ts';
import { useWholeBytes } from './whole-bytes.ts';

/** Rewrites a graph for running: results agree within rounding. Returns what looked like the pattern of a rewrite and
 *  had to stay. */
export function optimize(model: Model): Refusal[] {
  const matrices = hybridMatrices(model);
  model.inlineCalls?.(model);
  exportQuantization(model);
  expandQuantized(model, evaluateNode);
  findDynamicProducts(model);
  const { refused } = optimizeForRuntime(model, { ops, evaluate: evaluateNode });
  importQuantization(model);
  useWholeBytes(model);
  findHybridProducts(model, matrices);
  assignLayout(model, channelsLast);
  return [...refused, ...fuseForRuntime(model, { ops }).refused];
}

/** The same for contract `reference`: quantized operators stay as the file has them, but for the form that kernels take. */
export function optimizeForReference(model: Model): Refusal[] {
  model.inlineCalls?.(model);
  expandQuantized(model, evaluateNode);
  importQuantization(model);
  mergeBuiltins(model);
  assignLayout(model, channelsLast);
  return fuseForRuntime(model, { ops }).refused;
}
