import { clone } from '../ir/clone.ts';
import type { Model } from '../ir/model.ts';
import { heldConstant } from '../ir/permute.ts';
import { allGraphs } from '../ir/walk.ts';
import type { Contract } from './contract.ts';
import { optimize, optimizeForReference } from './optimize.ts';
import { WeightStore } from './weights.ts';

/** A model as sessions run it, and its weights in kernel memory: shared by all sessions of the model. */
export interface Prepared {
  readonly model: Model;
  readonly store: WeightStore;
  users: number;
}

type Made = WeakMap<Model, { edits: number; result: Prepared }>;

const prepared: Readonly<Record<Contract, Made>> = {
  single: new WeakMap(),
  reference: new WeakMap(),
};

/** The optimized copy of a model, made once for a contract as long as the model isn't edited. */
export function prepare(model: Model, contract: Contract = 'single'): Prepared {
  const found = prepared[contract].get(model);
  if (found !== undefined && found.edits === model.edits.length) return found.result;
  const copy = clone(model);
  if (contract === 'reference') optimizeForReference(copy);
  else optimize(copy);
  const result: Prepared = { model: copy, store: new WeightStore(), users: 0 };
  prepared[contract].set(model, { edits: model.edits.length, result });
  return result;
}

/** Reads weights that are in files or Blobs into memory, so that sessions can be made of the model.
 *  Cost: reads all of them once. */
export async function loadWeights(model: Model): Promise<void> {
  for (const graph of allGraphs(model.graph)) {
    for (const value of graph.constants) {
      if (value.constant !== null) value.constant = await heldConstant(value.constant);
    }
  }
}
