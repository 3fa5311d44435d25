import type { Dim } from '../../../src/core/shape.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import {
  type Attribute,
  Builder,
  constantOfTensor,
  Graph,
  Model,
  tensorType,
  type Value,
} from '../../../src/ir/index.ts';
import { pinnedOpset } from '../../../src/ops/index.ts';

/** A graph as plain data, so that it can be made smaller. Values are numbers, different in all bodies. */
export interface Recipe {
  /** What is fed. */
  readonly feeds: ReadonlyMap<number, Tensor>;
  readonly constants: ReadonlyMap<number, Tensor>;
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
  /** How inputs declare their sizes. */
  readonly declared: 'sizes' | 'names' | 'nothing';
}

export interface Step {
  readonly op: string;
  readonly inputs: readonly (number | null)[];
  readonly outputs: readonly number[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly bodies?: Readonly<Record<string, Body>>;
}

/** The graph of an attribute. It reads values around it by their numbers. */
export interface Body {
  readonly inputs: readonly { readonly id: number; readonly like: Tensor }[];
  readonly steps: readonly Step[];
  readonly outputs: readonly number[];
}

export const nameOf = (id: number): string => `v${id}`;

export function modelOf(recipe: Recipe): Model {
  const model = new Model();
  model.opsets.set('', pinnedOpset);
  const builder = new Builder(model.graph);
  const values = new Map<number, Value>();
  for (const [id, tensor] of recipe.feeds) {
    const dims = tensor.dims.map(
      (size, axis): Dim => (recipe.declared === 'names' ? `s${id}_${axis}` : size),
    );
    const shape = recipe.declared === 'nothing' ? null : dims;
    values.set(id, builder.input(nameOf(id), tensorType(tensor.type as 'float32', shape)));
  }
  for (const [id, tensor] of recipe.constants)
    values.set(id, builder.constant(nameOf(id), constantOfTensor(tensor)));
  addSteps(builder, values, recipe.steps);
  for (const id of recipe.outputs) builder.output(values.get(id)!);
  return model;
}

function addSteps(builder: Builder, values: Map<number, Value>, steps: readonly Step[]): void {
  for (const { op, inputs, outputs, attributes = {}, bodies = {} } of steps) {
    const graphs = Object.entries(bodies).map(([name, body]): [string, Attribute] => [
      name,
      { type: 'graph', value: graphOf(values, name, body) },
    ]);
    const node = builder.node(
      {
        op,
        attributes: [...Object.entries(attributes), ...graphs],
        inputs: inputs.map((id) => (id === null ? null : values.get(id)!)),
      },
      outputs.map(nameOf),
    );
    outputs.forEach((id, index) => {
      values.set(id, node.outputs[index]!);
    });
  }
}

function graphOf(values: Map<number, Value>, name: string, body: Body): Graph {
  const graph = new Graph(name);
  const builder = new Builder(graph);
  for (const { id, like } of body.inputs) {
    const type = tensorType(like.type as 'float32', like.dims);
    values.set(id, builder.input(nameOf(id), type));
  }
  addSteps(builder, values, body.steps);
  for (const id of body.outputs) builder.output(values.get(id)!);
  return graph;
}

/** Values that steps read from around them. */
export function readBy(steps: readonly Step[]): Set<number> {
  const read = new Set<number>();
  const own = new Set<number>();
  for (const { inputs, outputs, bodies = {} } of steps) {
    for (const id of inputs) if (id !== null && !own.has(id)) read.add(id);
    for (const body of Object.values(bodies)) {
      const inner = new Set([
        ...body.inputs.map(({ id }) => id),
        ...body.steps.flatMap((step) => step.outputs),
      ]);
      const needed = [...readBy(body.steps), ...body.outputs];
      for (const id of needed) if (!inner.has(id) && !own.has(id)) read.add(id);
    }
    for (const id of outputs) own.add(id);
  }
  return read;
}

/** The recipe without what its outputs do not need. */
export function pruned(recipe: Recipe): Recipe {
  const needed = new Set(recipe.outputs);
  const steps: Step[] = [];
  for (const step of recipe.steps.toReversed()) {
    if (!step.outputs.some((id) => needed.has(id))) continue;
    steps.unshift(step);
    for (const id of readBy([step])) needed.add(id);
  }
  const kept = (from: ReadonlyMap<number, Tensor>): Map<number, Tensor> =>
    new Map([...from].filter(([id]) => needed.has(id)));
  return { ...recipe, steps, feeds: kept(recipe.feeds), constants: kept(recipe.constants) };
}
