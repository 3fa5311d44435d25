import { evaluateDim, symbolsOf } from '../core/dim.ts';
import { byteLengthOf, type DType, dtypes } from '../core/dtype.ts';
import { rangeError, ShapeError } from '../core/errors.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { type Constant, sizeOf } from '../ir/constant.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import { allGraphs, allNodes } from '../ir/walk.ts';
import { readAttributes } from '../ops/attributes.ts';
import { findOp } from '../ops/index.ts';
import type { CostContext, Op } from '../ops/op.ts';
import { type InferOptions, inferShapes, type ShapeWarning } from './shapes.ts';

/** What one node costs in one run; null where sizes are not known. */
export interface NodeProfile {
  node: Node;
  /** Multiply-accumulates of convolutions, matrix products, attention and recurrences. */
  macs: number | null;
  /** Elements of its constants that hold weights: not axes, shapes and the like. */
  parameters: number;
  /** Bytes of all its constants. */
  weightBytes: number;
  outputBytes: number | null;
}

export interface Profile {
  /** In graph order, nodes of bodies after those of the graph they are in, counted as if run once. */
  nodes: NodeProfile[];
  /** Sums of what is known. */
  macs: number;
  parameters: number;
  weightBytes: number;
  outputBytes: number;
  /** Symbols that the caller did not bind: taken as 1. */
  assumed: string[];
  /** Nodes where a figure is null. */
  unknown: number;
  warnings: ShapeWarning[];
}

/** Costs per node. A constant that several nodes share counts for the first.
 *  Leaves the model as it is; linear.
 *  @param bindings  sizes of symbolic dimensions
 *  @throws {RangeError} a size is no integer ≥ 0 */
export function profile(
  model: Model,
  ops: readonly Op[],
  bindings: Readonly<Record<string, number>> = {},
): Profile {
  for (const [name, size] of Object.entries(bindings)) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw rangeError(`bindings.${name}`, 'a size ≥ 0', size);
  }
  const before = typesOf(model);
  const sizes = new Sizes(bindings);
  const { warnings, values } = inferShapes(model, ops, boundInputs(model, bindings));
  const counted = new Set<Constant>();
  const result: Profile = {
    nodes: [],
    macs: 0,
    parameters: 0,
    weightBytes: 0,
    outputBytes: 0,
    assumed: [],
    unknown: 0,
    warnings,
  };
  for (const node of allNodes(model.graph)) {
    const op = findOp(ops, node.domain, node.op);
    const entry: NodeProfile = {
      node,
      macs: op === null ? null : macsOf(node, op, sizes, values),
      ...weightsOf(node, counted),
      outputBytes: bytesOf(node, sizes),
    };
    result.nodes.push(entry);
    result.macs += entry.macs ?? 0;
    result.parameters += entry.parameters;
    result.weightBytes += entry.weightBytes;
    result.outputBytes += entry.outputBytes ?? 0;
    if (entry.macs === null || entry.outputBytes === null) result.unknown++;
  }
  result.assumed = [...sizes.assumed].sort();
  for (const [value, type] of before) value.type = type;
  return result;
}

function typesOf(model: Model): Map<Value, ValueType | null> {
  const types = new Map<Value, ValueType | null>();
  for (const graph of allGraphs(model.graph)) {
    for (const value of [...graph.inputs, ...graph.constants]) types.set(value, value.type);
    for (const node of graph.nodes) for (const value of node.outputs) types.set(value, value.type);
  }
  return types;
}

/** Inference goes further with the bound sizes in place: two symbols may turn out to be equal. */
function boundInputs(model: Model, bindings: Readonly<Record<string, number>>): InferOptions {
  if (Object.keys(bindings).length === 0) return {};
  const inputs: Record<string, Shape> = Object.create(null);
  for (const { name, type } of model.graph.inputs) {
    if (type?.kind !== 'tensor' || type.shape === null) continue;
    inputs[name] = type.shape.map((dim) => evaluateDim(dim, bindings) ?? dim);
  }
  return { inputs };
}

/** Dimensions as numbers. */
class Sizes {
  readonly #bindings: Record<string, number>;
  readonly assumed: Set<string> = new Set();

  constructor(bindings: Readonly<Record<string, number>>) {
    this.#bindings = Object.assign(Object.create(null), bindings);
  }

  sizeOf(dim: Dim): number | null {
    if (typeof dim === 'string' && !Object.hasOwn(this.#bindings, dim)) {
      for (const name of symbolsOf(dim)) {
        if (Object.hasOwn(this.#bindings, name)) continue;
        this.assumed.add(name);
        this.#bindings[name] = 1;
      }
    }
    const size = evaluateDim(dim, this.#bindings);
    // A size of 1 can be too small for a window.
    return size === null ? null : Math.max(size, 0);
  }

  shapeOf(shape: Shape): Shape {
    return shape?.map((dim) => this.sizeOf(dim)) ?? null;
  }
}

function macsOf(
  node: Node,
  op: Op,
  sizes: Sizes,
  values: ReadonlyMap<Value, readonly Dim[]>,
): number | null {
  if (op.cost === undefined) return 0;
  const typeOf = (value: Value | null | undefined): ValueType | null => {
    const type = value?.type ?? null;
    return type?.kind === 'tensor' ? tensorType(type.dtype, sizes.shapeOf(type.shape)) : type;
  };
  const shapeOf = (value: Value | null | undefined): Shape => {
    const type = typeOf(value);
    return type?.kind === 'tensor' ? type.shape : null;
  };
  const context: CostContext = {
    node,
    attributes: readAttributes(op, node),
    frugal: false,
    type: (input) => typeOf(node.inputs[input]),
    dtype: (input) => {
      const type = node.inputs[input]?.type;
      return type?.kind === 'tensor' ? type.dtype : null;
    },
    shape: (input) => shapeOf(node.inputs[input]),
    values: (input) => {
      const value = node.inputs[input];
      return value == null ? null : (values.get(value) ?? null);
    },
    inferBody: () => [],
    outputShape: (output) => shapeOf(node.outputs[output]),
  };
  try {
    return op.cost(context).macs;
  } catch (error) {
    // Operands that don't fit have been warned of.
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

/** Constants that are read first by this node. */
function weightsOf(
  node: Node,
  counted: Set<Constant>,
): Pick<NodeProfile, 'parameters' | 'weightBytes'> {
  let parameters = 0;
  let weightBytes = 0;
  for (const constant of constantsOf(node)) {
    if (counted.has(constant)) continue;
    counted.add(constant);
    weightBytes += constant.data.size;
    if (isWeight(constant.dtype)) parameters += sizeOf(constant);
  }
  return { parameters, weightBytes };
}

function* constantsOf(node: Node): Generator<Constant> {
  for (const value of node.inputs) if (value?.constant != null) yield value.constant;
  const attribute = node.attributes.get('value');
  if (node.op === 'Constant' && attribute?.type === 'tensor') yield attribute.value;
}

/** Axes, shapes and indices are int64; conditions are bool. */
function isWeight(dtype: DType): boolean {
  return dtype !== 'int64' && dtype !== 'bool' && dtypes[dtype].kind !== 'string';
}

function bytesOf(node: Node, sizes: Sizes): number | null {
  let bytes = 0;
  for (const { type } of node.outputs) {
    if (type?.kind !== 'tensor' || type.dtype === null || type.shape === null) return null;
    let count = 1;
    for (const dim of type.shape) {
      const size = sizes.sizeOf(dim);
      if (size === null) return null;
      count *= size;
    }
    bytes += byteLengthOf(type.dtype, count);
  }
  return bytes;
}
