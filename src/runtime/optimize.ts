import type { Model } from '../ir/model.ts';
import { ops } from '../ops/index.ts';
import { importQuantization } from '../passes/import-quantization.ts';
import { assignLayout, channelsLast } from '../passes/layout.ts';
import { fuseForRuntime, optimizeForRuntime } from '../passes/optimize.ts';
import { evaluateNode } from './evaluate-node.ts';

/** Rewrites a graph for running: results agree within rounding. */
export function optimize(model: Model): void {
  optimizeForRuntime(model, { ops, evaluate: evaluateNode });
  importQuantization(model);
  assignLayout(model, channelsLast);
  fuseForRuntime(model, { ops });
}
