import { bufferSource } from '../../../core/source.ts';
import { clone } from '../../../ir/clone.ts';
import { readConstant } from '../../../ir/constant.ts';
import type { Node } from '../../../ir/graph.ts';
import type { Model } from '../../../ir/model.ts';
import { allGraphs, allNodes } from '../../../ir/walk.ts';
import { ops } from '../../../ops/index.ts';
import { expandOperators } from '../../../passes/expand/index.ts';
import { expandQuantized } from '../../../passes/expand-quantized.ts';
import { exportQuantization } from '../../../passes/export-quantization.ts';
import { dropIdleQuantization } from '../../../passes/idle-quantization.ts';
import { importQuantization } from '../../../passes/import-quantization.ts';
import { twoForms } from '../../../passes/layout/spatial.ts';
import { assignLayout, channelsLast } from '../../../passes/layout.ts';
import { fuseForFile, optimizeForFile } from '../../../passes/optimize.ts';
import type { WriteOptions } from '../../format.ts';
import { type Legalized, legalizeQuantization } from '../legalize/legalize.ts';
import { realConstants } from '../legalize/real-constants.ts';
import { modelOrigin } from '../origin.ts';
import { isBefore } from '../releases.ts';
import { hasRow } from './rows.ts';

/** First release whose FULLY_CONNECTED takes weights with a scale for each output. */
const firstByRow = '2.17';

/** A copy of a model in the operators, layout and fusions that TFLite has; its constants can be read without waiting. */
export async function prepare(
  model: Model,
  options: WriteOptions,
): Promise<{ model: Model } & Legalized> {
  const copy = clone(model);
  await loadConstants(copy);
  const { layout } = options;
  const isTflite = modelOrigin(copy) !== null;
  if (!isTflite) simplified(copy, options);
  importQuantization(copy, { purpose: 'store' });
  const isLaidOut = isTflite && layout === undefined && ![...allNodes(copy.graph)].some(isOnnxOnly);
  if (!isLaidOut) {
    assignLayout(
      copy,
      channelsLast,
      layout === undefined ? {} : { inputs: layout, outputs: layout },
    );
    // Integers at the graph's ends may have been transposed instead of what they stand for.
    importQuantization(copy, { purpose: 'store' });
    fuseForFile(copy, { ops });
  }
  const { minRuntime } = options;
  const byRow = isTflite || (minRuntime !== undefined && !isBefore(minRuntime, firstByRow));
  return { model: copy, ...legalizeQuantization(copy, byRow) };
}

/** Operators that have another form with channels last, which TFLite's are. */
function isOnnxOnly({ domain, op }: Node): boolean {
  return domain === '' && twoForms.includes(op);
}

/** Brings a model of another format into operators that TFLite has. */
function simplified(copy: Model, { evaluate }: WriteOptions): void {
  copy.inlineCalls?.(copy);
  expandQuantized(copy, evaluate ?? null);
  exportQuantization(copy);
  dropIdleQuantization(copy);
  realConstants(copy);
  const settings = { ops, ...(evaluate === undefined ? {} : { evaluate }) };
  optimizeForFile(copy, settings);
  // What folding made constant is quantized once and for all.
  expandQuantized(copy, evaluate ?? null);
  if ([...allNodes(copy.graph)].every(hasRow)) return;
  expandOperators(copy, hasRow);
  optimizeForFile(copy, settings);
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
