import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { describe } from '../../ir/edit.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { ops } from '../../ops/index.ts';
import { imageLayouts, type Layout } from '../../passes/layout.ts';
import { operatorOf } from '../../passes/rule.ts';
import { inferShapes } from '../../passes/shapes.ts';
import type { LayerDifference, LayersReport } from '../../report/layers.ts';
import { fits, turned, turnsOf } from '../between.ts';
import { Difference } from '../difference.ts';
import type { Feeds } from '../runner.ts';
import { explain } from './explain.ts';
import { type Match, matchPoints } from './match.ts';
import { type Point, pointsOf } from './points.ts';
import { valuesAt } from './values-at.ts';

/** A real layer differs beyond this part of its largest value. */
const tolerance = 1e-4;
/** What was matched by order alone is taken for the same layer only if it agrees this well, dB. */
const agreement = 40;

export interface LayerOptions {
  /** What is known to have been done to a node of the reference, by its description, or to a value, by its name. */
  notes?: ReadonlyMap<string, string>;
}

/** Runs two models on the same inputs and compares what they compute on the way, value by value: which differ, where a
 *  difference arises, and what is done differently there.
 *  @param feeds  the same inputs, each in its model's form
 *  Cost: one run of each on a copy that keeps all these values. */
export async function compareLayers(
  reference: Model,
  other: Model,
  feeds: { reference: Feeds; other: Feeds },
  { notes = new Map() }: LayerOptions = {},
): Promise<LayersReport> {
  const a = await sideOf(reference, feeds.reference);
  const b = await sideOf(other, feeds.other);
  const canBe = (x: Point, y: Point): boolean => {
    const [p, q] = [a.values.get(x), b.values.get(y)];
    return p !== undefined && q !== undefined && volume(p.dims) === volume(q.dims);
  };
  const matches = matchPoints(a.points, b.points, canBe);
  const rows = new Map<Value, LayerDifference>();
  for (const match of matches) {
    const { node, value } = match.a;
    const row = rowOf(match, a, b, notes.get(describe(node)) ?? notes.get(value.name) ?? null);
    if (row !== null) rows.set(match.a.value, row);
  }
  markOrigins(a.points, rows);
  const layers = a.points.flatMap(({ value }) => rows.get(value) ?? []);
  return {
    layers,
    unmatched: a.points.filter(({ value }) => !rows.has(value)).map(({ value }) => value.name),
    firstDifferent: layers.find(({ differs }) => differs)?.layer ?? null,
  };
}

interface Side {
  points: readonly Point[];
  values: ReadonlyMap<Point, Tensor>;
  layouts: ReadonlyMap<Value, Layout>;
}

async function sideOf(model: Model, feeds: Feeds): Promise<Side> {
  const copy = clone(model);
  copy.inlineCalls?.(copy);
  inferShapes(copy, ops);
  const points = pointsOf(copy);
  return { points, values: await valuesAt(copy, points, feeds), layouts: imageLayouts(copy) };
}

function rowOf(
  { a, b, by }: Match,
  one: Side,
  two: Side,
  note: string | null,
): LayerDifference | null {
  const [x, y] = [one.values.get(a)!, two.values.get(b)!];
  const { tensor, permuted } = inOrder(x, y, one.layouts.get(a.value), two.layouts.get(b.value));
  const difference = new Difference(a.value.name, false);
  difference.add(x, tensor, quantumOf(a, b));
  const report = difference.report();
  const { maxDifference, maxReference, sqnrDb, cosine, levels } = report;
  if (by === 'order' && sqnrDb !== null && !(sqnrDb >= agreement)) return null;
  const differs =
    levels === null ? !(maxDifference <= tolerance * maxReference) : !(levels.most <= 1);
  return {
    layer: a.value.name,
    other: b.value.name,
    operator: operatorOf(a.node),
    otherOperator: operatorOf(b.node),
    matched: by,
    dims: x.dims,
    permuted,
    maxDifference,
    maxReference,
    sqnrDb,
    cosine,
    levels,
    differs,
    arises: false,
    why: sqnrDb === null ? null : explain(a, b, note),
  };
}

/** The other tensor with its axes as the reference has them: by what is known of the images, then by sizes; where
 *  several orders fit, the nearest. */
function inOrder(
  x: Tensor,
  y: Tensor,
  xLayout: Layout | undefined,
  yLayout: Layout | undefined,
): { tensor: Tensor; permuted: boolean } {
  const rank = x.dims.length;
  if (y.dims.length !== rank || rank < 3 || rank > 5) return { tensor: y, permuted: false };
  const turns = turnsOf(rank);
  if (xLayout !== undefined && yLayout !== undefined) {
    const turn = xLayout === yLayout ? null : turns[xLayout];
    if (fits(y.dims, x.dims, turn)) return { tensor: turned(y, turn), permuted: turn !== null };
  }
  const candidates = [null, turns.first, turns.last].filter((turn) => fits(y.dims, x.dims, turn));
  let best = { tensor: y, permuted: false };
  let least = Infinity;
  for (const turn of candidates) {
    const tensor = turned(y, turn);
    const noise = candidates.length > 1 ? noiseOf(x, tensor) : 0;
    if (noise >= least) continue;
    least = noise;
    best = { tensor, permuted: turn !== null };
  }
  return best;
}

function noiseOf(x: Tensor, y: Tensor): number {
  const difference = new Difference('', false);
  difference.add(x, y);
  return difference.report().maxDifference;
}

/** The larger step of two values that are stored as integers of one scale. */
function quantumOf(a: Point, b: Point): number | null {
  const steps = [a, b].flatMap(({ quantization }) =>
    quantization?.scale.length === 1 ? [quantization.scale[0]!] : [],
  );
  return steps.length === 0 ? null : Math.max(...steps);
}

/** A difference arises where no layer that it is made of differs. */
function markOrigins(points: readonly Point[], rows: ReadonlyMap<Value, LayerDifference>): void {
  /** Whether a value, or the nearest layers before it that are compared, differ. */
  const differing = new Map<Value, boolean>();
  const before = new Map<Node, boolean>();
  for (const node of points[0]?.node.graph.nodes ?? []) {
    const isOff = node.inputs.some((value) => value !== null && differing.get(value) === true);
    before.set(node, isOff);
    for (const value of node.outputs) differing.set(value, rows.get(value)?.differs ?? isOff);
  }
  for (const { value, node } of points) {
    const row = rows.get(value);
    if (row !== undefined) row.arises = row.differs && before.get(node) !== true;
  }
}
