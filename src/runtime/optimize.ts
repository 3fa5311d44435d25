import type { Model } from '../ir/model.ts';
import { ops } from '../ops/index.ts';
import { importQuantization } from '../passes/import-quantization.ts';
import { inferShapes } from '../passes/shapes.ts';

/** Rewrites a graph for running: results agree within rounding. */
export function optimize(model: Model): void {
  const { graph } = model;
  graph.inputs.splice(0, Infinity, ...graph.inputs.filter(({ constant }) => constant === null));
  inferShapes(model, ops);
  importQuantization(model);
}
