import type { Model } from '../ir/model.ts';

/** Rewrites a graph for running: results agree within rounding. */
export function optimize(model: Model): void {
  for (const value of model.graph.constants) {
    const index = model.graph.inputs.indexOf(value);
    if (index >= 0) model.graph.inputs.splice(index, 1);
  }
}
