import { bufferSource } from '../../../core/source.ts';
import { clone } from '../../../ir/clone.ts';
import { readConstant } from '../../../ir/constant.ts';
import type { Model } from '../../../ir/model.ts';
import { allGraphs, allNodes } from '../../../ir/walk.ts';
import { ops } from '../../../ops/index.ts';
import { expandOperators } from '../../../passes/expand/index.ts';
import { expandQuantized } from '../../../passes/expand-quantized.ts';
import { exportQuantization } from '../../../passes/export-quantization.ts';
import { dropIdleQuantization } from '../../../passes/idle-quantization.ts';
import { importQuantization } from '../../../passes/import-quantization.ts';
import { assignLayout, channelsLast } from '../../../passes/layout.ts';
import { fuseForFile, optimizeForFile } from '../../../passes/optimize.ts';
import type { WriteOptions } from '../../format.ts';
import { type Legalized, legalizeQuantization } from '../legalize/legalize.ts';
import { realConstants } from '../legalize/real-constants.ts';
import { hasRow } from './rows.ts';

/** A copy of a model in the operators, layout and fusions that TFLite has; its constants can be read without waiting. */
export async function prepare(
  model: Model,
  options: WriteOptions,
): Promise<{ model: Model } & Legalized> {
  const copy = clone(model);
  await loadConstants(copy);
  const { evaluate, layout } = options;
  copy.inlineCalls?.(copy);
  if (evaluate !== undefined) expandQuantized(copy, evaluate);
  exportQuantization(copy);
  dropIdleQuantization(copy);
  realConstants(copy);
  const settings = { ops, ...(evaluate === undefined ? {} : { evaluate }) };
  optimizeForFile(copy, settings);
  if (![...allNodes(copy.graph)].every(hasRow)) {
    expandOperators(copy, hasRow);
    optimizeForFile(copy, settings);
  }
  importQuantization(copy, { purpose: 'store' });
  assignLayout(copy, channelsLast, layout === undefined ? {} : { inputs: layout, outputs: layout });
  fuseForFile(copy, { ops });
  return { model: copy, ...legalizeQuantization(copy) };
}

async function loadConstants(model: Model): Promise<void> {
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants) {
      const { constant } = value;
      if (constant === null || constant.strings !== undefined) continue;
      const bytes = readConstant(constant);
      if (!(bytes instanceof Uint8Array))
        value.constant = { ...constant, data: bufferSource(await bytes) };
    }
  }
}
