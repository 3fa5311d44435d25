import { dtypes } from '../../core/dtype.ts';
import { isStatic, volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { runnableOf } from '../own-runner.ts';
import type { Feeds } from '../runner.ts';
import type { Point } from './points.ts';

/** Values of points that are held at a time, bytes; beyond it only some are looked at, evenly. */
const mostBytes = 2 ** 28;

/** What a model computes at points on the way to its outputs. Only what must be kept apart is not fused; integers are
 *  computed on as ever. Runs a copy of the model once. */
export async function valuesAt(
  model: Model,
  points: readonly Point[],
  feeds: Feeds,
): Promise<Map<Point, Tensor>> {
  const copy = clone(model);
  const chosen = affordable(points);
  const values = new Map<string, Value>();
  for (const node of copy.graph.nodes)
    for (const value of node.outputs) values.set(value.name, value);
  const given = new Set(copy.graph.outputs.map(({ name }) => name));
  const reason = 'it is looked at';
  const edit = new Edit(copy, { pass: 'compare', rule: 'layers', reason });
  for (const { value } of chosen) {
    const own = values.get(value.name);
    if (own === undefined || given.has(own.name)) continue;
    given.add(own.name);
    edit.addOutput(own);
  }
  edit.commit();
  const runnable = await runnableOf(copy);
  try {
    const results = await runnable.run(feeds);
    const found = new Map<Point, Tensor>();
    for (const point of chosen) {
      const tensor = results[point.value.name];
      if (tensor !== undefined) found.set(point, tensor);
    }
    return found;
  } finally {
    await runnable.dispose();
  }
}

function affordable(points: readonly Point[]): Point[] {
  const sizes = points.map(({ value: { type } }) => {
    if (type?.kind !== 'tensor' || !isStatic(type.shape ?? undefined)) return 0;
    return (volume(type.shape as number[]) * dtypes[type.dtype ?? 'float32'].bits) / 8;
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= mostBytes) return [...points];
  const step = total / mostBytes;
  return points.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}
