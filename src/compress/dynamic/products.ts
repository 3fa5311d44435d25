import { breather } from '../../core/breathe.ts';
import { checkAborted } from '../../core/errors.ts';
import { volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import { type Constant, constantOf, constantOfValue } from '../../ir/constant.ts';
import { describe, Edit } from '../../ir/edit.ts';
import { type Graph, Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { permutedConstant } from '../../ir/permute.ts';
import { type Attribute, shapeOf, tensorType, type ValueType } from '../../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../../ir/walk.ts';
import { ownDomain } from '../../ops/index.ts';
import { removeHolder } from '../../passes/constants.ts';
import type { LayerReport } from '../../report/report.ts';
import type { Decisions } from '../pipeline/decide.ts';
import type { PlannedWeight } from '../plan.ts';
import { type Measured, measure, quantizedConstant, within7Bits } from '../quantized.ts';
import { formatScheme, type Scheme, storedBytes } from '../scheme.ts';
import { weightSlot } from '../slots.ts';
import { leastWeights } from './options.ts';

/** What activations share their scale with: a block of a row of what is multiplied, the row, or the whole tensor; `hybrid`
 *  is TFLite's, which is said by the weights' types alone. */
export type DynamicForm = 'block' | 'row' | 'tensor' | 'hybrid';

export interface DynamicProducts {
  weights: PlannedWeight[];
  layers: LayerReport[];
  /** One sentence each. */
  warnings: string[];
}

/** A matrix that products read, and how: [K, N], or [N, K] where they transpose it. */
interface Matrix {
  readonly value: Value;
  readonly constant: Constant;
  readonly graph: Graph;
  readonly graphIndex: number;
  readonly transposed: boolean;
  readonly users: Map<Node, DynamicForm>;
}

const sharedScales =
  'DynamicQuantizeLinear has one scale for a whole tensor, so that the samples of a batch, and padding, change each ' +
  "other's results; target modelpress gives each row its own";

/** Makes products with constant matrices (MatMul, Gemm) quantize what they read at run time: weights are int8 around
 *  zero with a scale for each output (or one), activations 8 bits with a scale that comes of themselves.
 *  `row`: DynamicMatMul of this package's domain, whose rows have scales of their own; its function is in the file.
 *  `tensor`: DynamicQuantizeLinear and MatMulInteger, which runtimes have kernels for; one scale for all rows.
 *  Which products, and in which form, is decided per layer. Weights that would lose too much, or that have another use, stay. */
export async function quantizeProducts(
  model: Model,
  decisions: Decisions,
  signal?: AbortSignal,
): Promise<DynamicProducts> {
  const done: DynamicProducts = { weights: [], layers: [], warnings: [] };
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: 'dynamic',
    reason: 'products of integers, without calibration',
  });
  const maker = new Maker(edit, namesAround(model.graph));
  const breathe = breather();
  let hasTensors = false;
  for (const matrix of matrices(model, decisions)) {
    await breathe();
    checkAborted(signal);
    const { value, constant, users, transposed } = matrix;
    const found = await measured(matrix, decisions);
    if (found === null) continue;
    const { scheme } = found;
    const layers = [...users.keys()].map(describe);
    const levels = quantizedConstant(constant, scheme, found.measured.parameters);
    maker.store(matrix, transposed ? permutedConstant(levels, [1, 0]) : levels, found.measured);
    if ([...users.values()].includes('tensor')) hasTensors = true;
    done.weights.push({ weight: value.name, graph: matrix.graphIndex, storage: scheme });
    done.layers.push({
      weight: value.name,
      layers,
      shape: constant.shape,
      from: constant.dtype,
      to: `${formatScheme(scheme)}, dynamic by ${[...new Set(users.values())].join(' and ')}`,
      bytesBefore: constant.data.size,
      bytesAfter: storedBytes(scheme),
      sqnrDb: Number.isFinite(found.measured.sqnrDb) ? found.measured.sqnrDb : null,
    });
  }
  if (done.weights.length > 0) edit.commit();
  if (hasTensors) done.warnings.push(sharedScales);
  return done;
}

/** Constant matrices that nothing reads but products that can be dynamic, in the order of the nodes. */
function matrices(model: Model, decisions: Decisions): Matrix[] {
  const known = new Map<Value, Matrix>();
  const graphs = [...allGraphs(model.graph)];
  for (const graph of graphs) {
    for (const node of graph.nodes) {
      const form = decisions.of(node).settings?.dynamic ?? null;
      if (form !== 'row' && form !== 'tensor') continue;
      const value = node.inputs[1];
      const constant = value == null ? null : constantOfValue(value);
      if (value == null || constant === null || !isProduct(node, constant)) continue;
      const matrix = known.get(value);
      if (matrix !== undefined) matrix.users.set(node, form);
      else
        known.set(value, {
          value,
          constant,
          graph: value.graph,
          graphIndex: graphs.indexOf(value.graph),
          transposed: isTransposed(node),
          users: new Map([[node, form]]),
        });
    }
  }
  return [...known.values()];
}

function isProduct(node: Node, { shape }: Constant): boolean {
  if (node.domain !== '' || shape.length !== 2 || volume(shape) === 0) return false;
  return (node.op === 'MatMul' || node.op === 'Gemm') && weightSlot(node, 1, 2) !== null;
}

const isTransposed = (node: Node): boolean => number(node, 'transB', 0) !== 0;

function number({ attributes }: Node, name: string, otherwise: number): number {
  const attribute = attributes.get(name);
  return attribute?.type === 'int' || attribute?.type === 'float'
    ? Number(attribute.value)
    : otherwise;
}

/** What its levels would be, or null for a matrix that stays: it is stored as others are then, or listed with the reason. */
async function measured(
  { value, constant, transposed, users }: Matrix,
  decisions: Decisions,
): Promise<{ scheme: Scheme; measured: Measured } | null> {
  const [first] = users.keys();
  const { granularity, minElements, minSqnrDb, reduceRange } = decisions.of(first!).settings!;
  if (value.quantization !== null) return null;
  if (constant.dtype !== 'float32') return null;
  if (volume(constant.shape) < Math.max(minElements, leastWeights)) return null;
  for (const { user, index } of value.uses) {
    const isAlike =
      user instanceof Node && index === 1 && users.has(user) && isTransposed(user) === transposed;
    if (!isAlike) return null;
  }
  for (const user of users.keys()) {
    if (user.op !== 'Gemm') continue;
    const isPlain =
      number(user, 'transA', 0) === 0 &&
      number(user, 'alpha', 1) === 1 &&
      number(user, 'beta', 1) === 1;
    if (!isPlain) return null;
  }
  const isWhole = granularity === 'tensor';
  const scheme: Scheme = {
    storage: 'int8',
    symmetric: true,
    granularity: isWhole ? 'tensor' : 'channel',
    axis: isWhole ? null : transposed ? 0 : 1,
    blockSize: null,
    view: constant.shape,
  };
  const whole = await measure(constant, scheme);
  const found = reduceRange ? within7Bits(whole) : whole;
  if (Number.isNaN(found.sqnrDb) || found.sqnrDb < minSqnrDb) return null;

  return { scheme, measured: found };
}

/** Puts the nodes of a form in the place of products. */
class Maker {
  readonly #edit: Edit;
  readonly #names: Set<string>;
  /** Values that are quantized already: levels, scale, zero point. */
  readonly #quantized: Map<Value, readonly Value[]> = new Map();

  constructor(edit: Edit, names: Set<string>) {
    this.#edit = edit;
    this.#names = names;
  }

  store(matrix: Matrix, levels: Constant, { parameters }: Measured): void {
    const { value, users, graph } = matrix;
    const { scale } = parameters;
    const w = this.#constant(graph, `${value.name}_quantized`, levels);
    const dims = scale.length === 1 ? [] : [scale.length];
    const scales = constantOf('float32', dims, bytesOf(scale));
    const s = this.#constant(graph, `${value.name}_scale`, scales);
    for (const [user, form] of users) this.#product(user, form, w, s);
    if (value.uses.size === 0) removeHolder(this.#edit, value);
  }

  #constant(graph: Graph, name: string, constant: Constant): Value {
    return this.#edit.addConstant(graph, freshName(this.#names, name), constant);
  }

  #product(node: Node, form: DynamicForm, w: Value, scale: Value): void {
    const [x, , bias = null] = node.inputs;
    const y = node.outputs[0]!;
    const near = y.name;
    const shape = shapeOf(y.type);
    const real = tensorType('float32', shape);
    const products =
      form === 'row'
        ? this.#add(node, 'DynamicMatMul', [x!, w, scale], near, real, [], ownDomain)
        : this.#integers(node, x!, w, scale);
    const result =
      bias === null ? products : this.#add(node, 'Add', [products, bias], near, y.type ?? real);
    result.type = y.type ?? real;
    result.origin = y.origin;
    this.#edit.replaceUses(y, result);
    this.#edit.removeNode(node);
    this.#edit.rename(result, near);
  }

  #integers(node: Node, x: Value, w: Value, scale: Value): Value {
    const near = node.outputs[0]!.name;
    const shape = shapeOf(node.outputs[0]!.type);
    const [levels, step, zero] = this.#levels(node, x) as [Value, Value, Value];
    const sums = this.#add(
      node,
      'MatMulInteger',
      [levels, w, zero],
      `${near}_sums`,
      tensorType('int32', shape),
    );
    const real = tensorType('float32', shape);
    const to: [string, Attribute] = ['to', { type: 'int', value: 1 }];
    const cast = this.#add(node, 'Cast', [sums], `${near}_real`, real, [to]);
    const factor = this.#add(node, 'Mul', [step, scale], `${near}_factor`, scale.type);
    return this.#add(node, 'Mul', [cast, factor], near, real);
  }

  /** Quantized once for all products that come after the first. */
  #levels(node: Node, x: Value): readonly Value[] {
    const known = this.#quantized.get(x);
    if (known !== undefined && known[0]!.graph === node.graph) return known;
    const outputs: [string, ValueType][] = [
      [`${x.name}_levels`, tensorType('uint8', shapeOf(x.type))],
      [`${x.name}_step`, tensorType('float32', [])],
      [`${x.name}_zero`, tensorType('uint8', [])],
    ];
    const made = this.#edit.addNode(
      x.producer === null || x.graph !== node.graph
        ? { startOf: node.graph }
        : { after: x.producer },
      { op: 'DynamicQuantizeLinear', inputs: [x], name: '' },
      outputs.map(([name, type]) => ({ name: freshName(this.#names, name), type })),
    ).outputs;
    this.#quantized.set(x, made);
    return made;
  }

  #add(
    node: Node,
    op: string,
    inputs: readonly Value[],
    near: string,
    type: ValueType | null,
    attributes: readonly [string, Attribute][] = [],
    domain = '',
  ): Value {
    const name = node.name === '' ? '' : freshName(this.#names, `${node.name}/${op}`);
    const spec = { op, domain, inputs, attributes, name };
    const outputs = [{ name: freshName(this.#names, near), type }];
    return this.#edit.addNode({ before: node }, spec, outputs).outputs[0]!;
  }
}
