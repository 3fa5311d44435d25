import type { Dim } from '../core/shape.ts';
import { Edit } from '../ir/edit.ts';
import type { Graph, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, allNodes, namesAround } from '../ir/walk.ts';
import { ops } from '../ops/index.ts';
import { assign, type Boundary, type Weights } from './layout/assign.ts';
import type { Layout } from './layout/permutation.ts';
import { checkCost, rewrite } from './layout/rewrite.ts';
import type { LayoutTarget } from './layout/rule.ts';
import { type States, statesOf } from './layout/states.ts';
import { channelsFirst, channelsLast, layoutTarget } from './layout/targets.ts';
import { inferShapes } from './shapes.ts';

export type { Layout } from './layout/permutation.ts';
export type {
  Following,
  LayoutRule,
  LayoutTarget,
  NodeView,
  RewriteContext,
} from './layout/rule.ts';
export { channelsFirst, channelsLast, layoutTarget };

/** A layout for images where a graph begins or ends; only values that a spatial operator is known to see as
 *  images are changed. */
export type BoundaryLayout = 'NCHW' | 'NHWC';

export interface LayoutOptions {
  /** What a Transpose costs: the bytes that it moves (default; sizes that are not known count as 1), or 1. */
  weights?: Weights;
  /** For all, or by name; default as they are. */
  inputs?: BoundaryLayout | Readonly<Record<string, BoundaryLayout>>;
  outputs?: BoundaryLayout | Readonly<Record<string, BoundaryLayout>>;
}

export interface LayoutResult {
  /** Transposes between the layouts that there are now, in all graphs. */
  transposes: number;
  /** Their total weight: the least possible, each graph by itself. */
  cost: number;
  /** Graphs that were changed. */
  changed: number;
}

/** Gives spatial operators the layout of a target (`channelsLast`: domain `mp`, `channelsFirst`: ai.onnx) with
 *  the fewest transposed bytes: an exact minimum cut. Operators that compute the same in any layout get other
 *  axes and permuted constants, Transposes that are there are taken into account; results are the same but for
 *  the order of sums over axes. Bodies of If, Loop and Scan are done each by itself. Infers shapes before;
 *  about linear in the number of nodes. Running it again changes nothing.
 *  Based on the hypergraph cut of litert-torch's layout pass, with all layouts of one array as one tensor. */
export function assignLayout(
  model: Model,
  target: LayoutTarget,
  options: LayoutOptions = {},
): LayoutResult {
  const { values } = inferShapes(model, ops, { defaults: 'unknown' });
  const edit = new Edit(model, {
    pass: 'layout',
    rule: `channels-${target.layout}`,
    reason: `spatial operators have channels ${target.layout}, with as little transposed as can be`,
  });
  const names = namesAround(model.graph);
  const result = { transposes: 0, cost: 0, changed: 0 };
  for (const graph of allGraphs(model.graph)) {
    const states = statesOf(graph, target, values);
    const boundary = boundaryOf(graph, states, graph === model.graph ? options : {});
    const assignment = assign(graph, states, target.layout, boundary, options.weights ?? 'bytes');
    result.cost += assignment.cost;
    if (assignment.isSettled) {
      result.transposes += states.nodes.filter(({ isTurn }) => isTurn).length;
      continue;
    }
    const done = rewrite(edit, graph, states, assignment, boundary, names);
    checkCost(done, assignment.cost, graph);
    result.transposes += done.transposes;
    result.changed++;
  }
  if (result.changed > 0) edit.commit();
  return result;
}

/** Values of the main graph that operators are known to see as images, and where these have their channels. The model's
 *  types must have been inferred. Linear. */
export function imageLayouts(model: Model): ReadonlyMap<Value, Layout> {
  const { layouts, certain } = statesOf(model.graph, channelsLast, new Map());
  return new Map([...layouts].filter(([value]) => certain.has(value)));
}

/** Transposes between layouts that a model has, and the least that it could have with images in the target's layout and
 *  inputs and outputs as they are. All graphs; infers types before, unless all shapes are known. Changes nothing else.
 *  About linear. */
export function countTransposes(
  model: Model,
  target: LayoutTarget,
): { count: number; least: number } {
  const values = isTyped(model)
    ? new Map<Value, readonly Dim[]>()
    : inferShapes(model, ops, { defaults: 'unknown' }).values;
  let [count, least] = [0, 0];
  for (const graph of allGraphs(model.graph)) {
    const states = statesOf(graph, target, values);
    const boundary = boundaryOf(graph, states, {});
    least += assign(graph, states, target.layout, boundary, 'count').cost;
    count += states.nodes.filter(({ isTurn }) => isTurn).length;
  }
  return { count, least };
}

function isTyped({ graph }: Model): boolean {
  const hasShape = ({ type }: Value): boolean => type?.kind === 'tensor' && type.shape !== null;
  for (const { outputs } of allNodes(graph)) if (!outputs.every(hasShape)) return false;
  return true;
}

function boundaryOf(graph: Graph, states: States, { inputs, outputs }: LayoutOptions): Boundary {
  const layoutOf = (value: Value, asked: LayoutOptions['inputs']): Layout => {
    const now = states.layouts.get(value) ?? 'first';
    const name = typeof asked === 'string' ? asked : asked?.[value.name];
    if (name === undefined || !states.certain.has(value)) return now;
    return name === 'NHWC' ? 'last' : 'first';
  };
  return {
    input: (value) => layoutOf(value, value.constant === null ? inputs : undefined),
    output: (value) => layoutOf(value, graph.inputs.includes(value) ? inputs : outputs),
  };
}
