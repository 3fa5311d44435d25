import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import { constantOf, constantOfValue, smallValues } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import { Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, type Quantization, tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { saidQuantization, sameQuantization } from './quantization-of.ts';
import { isSaturation } from './saturation.ts';

/** Writes operators between DequantizeLinear and QuantizeLinear as operators on integers: `QLinear…` of ai.onnx and
 *  com.microsoft, QGemm, and moves of integers. expandQuantized is the way back. What has no such form stays. */
export function toQLinear(model: Model): void {
  const edit = new Edit(model, {
    pass: 'to-qlinear',
    rule: 'fuse',
    reason: 'the operator has a form on integers',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const fuse = node.domain === '' ? forms[node.op] : undefined;
      if (fuse === undefined) continue;
      const fusion = Fusion.of(edit, node, names);
      if (fusion !== null && fuse(fusion)) count++;
    }
    if (count === 0) continue;
    for (const node of [...graph.nodes].reverse()) {
      const isIdle = node.outputs.every(({ uses }) => uses.size === 0);
      if (isIdle && node.op === 'DequantizeLinear') edit.removeNode(node);
    }
  }
  if (count === 0) return;
  edit.commit();
  model.opsets.set('com.microsoft', 1);
}

/** Integers, their scale and zero point, and what these say. */
interface Levels {
  values: [Value, Value, Value];
  quantization: Quantization;
}

class Fusion {
  readonly node: Node;
  /** The QuantizeLinear of the result. */
  readonly end: Node;
  readonly result: Quantization;
  readonly #edit: Edit;
  readonly #names: Set<string>;

  constructor(edit: Edit, node: Node, end: Node, result: Quantization, names: Set<string>) {
    this.#edit = edit;
    this.node = node;
    this.end = end;
    this.result = result;
    this.#names = names;
  }

  /** A node whose result is only quantized, once a clamp that does no more has been passed. */
  static of(edit: Edit, node: Node, names: Set<string>): Fusion | null {
    if (node.outputs.length !== 1) return null;
    let value = node.outputs[0]!;
    for (let steps = 0; steps < 2; steps++) {
      const [use] = value.uses;
      if (value.uses.size !== 1 || use === undefined || !(use.user instanceof Node)) return null;
      const reader = use.user;
      if (use.index !== 0 || reader.domain !== '' || reader.graph !== node.graph) return null;
      if (reader.op !== 'QuantizeLinear') {
        value = reader.outputs[0]!;
        continue;
      }
      const said = saidQuantization(reader);
      if (said === null || said.axis !== null || !isByte(said)) return null;
      const clamp = value.producer === node ? null : boundsOf(value.producer!);
      const isFine = value.producer === node || (clamp !== null && isSaturation(...clamp, said));
      return isFine ? new Fusion(edit, node, reader, said, names) : null;
    }
    return null;
  }

  /** An input's integers: of a DequantizeLinear, or a constant. */
  levels(index: number): Levels | null {
    const value = this.node.inputs[index];
    if (value == null) return null;
    const { quantization } = value;
    const constant = constantOfValue(value);
    if (quantization !== null && constant !== null) {
      if (quantization.blockSize !== null || quantization.view !== null) return null;
      const stored = this.#add(value.name, constant);
      return { values: [stored, ...this.#parameters(value.name, quantization)], quantization };
    }
    const source = value.producer;
    if (source?.op !== 'DequantizeLinear' || source.domain !== '') return null;
    const said = saidQuantization(source);
    const [x, scale, zero] = source.inputs;
    if (said === null || said.blockSize !== null || x == null || scale == null) return null;
    const point = zero ?? this.#parameters(value.name, said)[1];
    return { values: [x, scale, point], quantization: said };
  }

  whole(index: number): Levels | null {
    const levels = this.levels(index);
    return levels?.quantization.axis === null && isByte(levels.quantization) ? levels : null;
  }

  get ends(): [Value, Value] {
    const [, scale, zero] = this.end.inputs;
    return [scale!, zero ?? this.#parameters(scale!.name, this.result)[1]];
  }

  /** Ends with the operator, whose result are the integers. */
  become(
    op: string,
    inputs: (Value | null)[],
    attributes: Iterable<readonly [string, Attribute]> = this.node.attributes,
    domain = 'com.microsoft',
  ): true {
    const old = this.end.outputs[0]!;
    const { type, origin } = old;
    const real = this.end.inputs[0]!;
    // The integers take the place of the real numbers, and their name; an output of the graph is known by its own.
    const named = isOutput(old) ? old : real;
    const { name } = named;
    this.#edit.rename(named, freshName(this.#names, `${name}_as_was`));
    const spec = { op, domain, name: this.node.name, attributes, inputs };
    const made = this.#edit.addNode({ before: this.end }, spec, [{ name, type }]).outputs[0]!;
    made.origin = origin;
    this.#edit.replaceUses(old, made);
    let at: Node = this.end;
    while (at !== this.node) {
      const before: Node = at.inputs[0]!.producer!;
      this.#edit.removeNode(at);
      at = before;
    }
    this.#edit.removeNode(this.node);
    return true;
  }

  #add(near: string, constant: Parameters<Edit['addConstant']>[2]): Value {
    const value = this.#edit.addConstant(
      this.node.graph,
      freshName(this.#names, `${near}_levels`),
      constant,
    );
    value.type = tensorType(constant.dtype, constant.shape);
    return value;
  }

  #parameters(near: string, { storage, scale, zeroPoint, axis }: Quantization): [Value, Value] {
    const shape = axis === null ? [] : [scale.length];
    const width = storage === 'int32' ? 4 : 1;
    const zeros = typedArrayOf(storage, new Uint8Array(scale.length * width)) as Int32Array;
    zeros.set(zeroPoint ?? []);
    return [
      this.#add(near, constantOf('float32', shape, bytesOf(scale))),
      this.#add(near, constantOf(storage, shape, bytesOf(zeros))),
    ];
  }
}

function isOutput({ uses }: Value): boolean {
  for (const { user } of uses) if (!(user instanceof Node)) return true;
  return false;
}

function isByte({ storage }: Quantization): boolean {
  return storage === 'int8' || storage === 'uint8';
}

/** Bounds of Relu and Clip. */
function boundsOf({ op, domain, inputs }: Node): [number, number] | null {
  if (domain !== '') return null;
  if (op === 'Relu') return [0, Infinity];
  if (op !== 'Clip') return null;
  const bound = (value: Value | null | undefined, otherwise: number): number | null => {
    if (value == null) return otherwise;
    const constant = constantOfValue(value);
    const number = constant === null ? undefined : smallValues(constant)?.[0];
    return typeof number === 'number' ? number : null;
  };
  const [min, max] = [bound(inputs[1], -Infinity), bound(inputs[2], Infinity)];
  return min === null || max === null ? null : [min, max];
}

/** A bias as int32 in steps of what is summed; undefined where it is not. */
function biasOf(f: Fusion, x: Quantization, w: Quantization): Value | null | undefined {
  if (f.node.inputs[2] == null) return null;
  const levels = f.levels(2);
  if (levels === null || levels.quantization.storage !== 'int32') return undefined;
  const { scale, zeroPoint } = levels.quantization;
  const isCentered = zeroPoint === null || zeroPoint.every((zero) => zero === 0);
  const fits = scale.every((step, i) => {
    const product = x.scale[0]! * w.scale[w.scale.length === 1 ? 0 : i]!;
    return Math.abs(step - product) <= 2 ** -20 * product;
  });
  const count = Math.max(scale.length, w.scale.length);
  return isCentered && fits && (scale.length === count || scale.length === 1)
    ? levels.values[0]
    : undefined;
}

function convolution(f: Fusion): boolean {
  const [x, w] = [f.whole(0), f.levels(1)];
  if (x === null || w === null || !isByte(w.quantization)) return false;
  if (w.quantization.axis !== null && w.quantization.axis !== 0) return false;
  const bias = biasOf(f, x.quantization, w.quantization);
  if (bias === undefined) return false;
  const inputs = [...x.values, ...w.values, ...f.ends, ...(bias === null ? [] : [bias])];
  return f.become('QLinearConv', inputs, f.node.attributes, '');
}

function product(f: Fusion): boolean {
  const [a, b] = [f.whole(0), f.levels(1)];
  if (a === null || b === null || !isByte(b.quantization)) return false;
  const rank = b.values[0].type?.kind === 'tensor' ? b.values[0].type.shape?.length : undefined;
  const { axis } = b.quantization;
  if (axis !== null && (rank !== 2 || axis !== 1)) return false;
  return f.become('QLinearMatMul', [...a.values, ...b.values, ...f.ends], [], '');
}

function gemm(f: Fusion): boolean {
  const [a, b] = [f.whole(0), f.levels(1)];
  if (a === null || b === null || !isByte(b.quantization)) return false;
  const beta = f.node.attributes.get('beta');
  const alpha = f.node.attributes.get('alpha');
  const isPlain = [alpha, beta].every((item) => item?.type !== 'float' || item.value === 1);
  const turned = f.node.attributes.get('transB');
  const columns = turned?.type === 'int' && Number(turned.value) !== 0 ? 0 : 1;
  const { axis } = b.quantization;
  if (!isPlain || (axis !== null && axis !== columns)) return false;
  const bias = biasOf(f, a.quantization, b.quantization);
  if (bias === undefined) return false;
  const attributes = [...f.node.attributes].filter(([name]) => name !== 'beta');
  return f.become('QGemm', [...a.values, ...b.values, bias, ...f.ends], attributes);
}

const pairwise =
  (op: string) =>
  (f: Fusion): boolean => {
    const [a, b] = [f.whole(0), f.whole(1)];
    if (a === null || b === null) return false;
    return f.become(op, [...a.values, ...b.values, ...f.ends]);
  };

const single =
  (op: string, ...more: [string, Attribute][]) =>
  (f: Fusion): boolean => {
    const x = f.whole(0);
    if (x === null) return false;
    return f.become(op, [...x.values, ...f.ends], [...f.node.attributes, ...more]);
  };

const int = (value: number): Attribute => ({ type: 'int', value });

function concat(f: Fusion): boolean {
  const parts = f.node.inputs.map((_, index) => f.whole(index));
  if (parts.some((part) => part === null)) return false;
  return f.become('QLinearConcat', [...f.ends, ...parts.flatMap((part) => part!.values)]);
}

/** Elements that are only moved. */
function move(f: Fusion): boolean {
  const x = f.whole(0);
  if (x === null || !sameQuantization(x.quantization, f.result)) return false;
  const inputs = [x.values[0], ...f.node.inputs.slice(1)];
  return f.become(f.node.op, inputs, f.node.attributes, '');
}

const moves = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Gather'];

const forms: Readonly<Record<string, (f: Fusion) => boolean>> = {
  Conv: convolution,
  MatMul: product,
  Gemm: gemm,
  Add: pairwise('QLinearAdd'),
  Mul: pairwise('QLinearMul'),
  Sigmoid: single('QLinearSigmoid'),
  LeakyRelu: single('QLinearLeakyRelu'),
  AveragePool: single('QLinearAveragePool'),
  GlobalAveragePool: single('QLinearGlobalAveragePool'),
  Softmax: single('QLinearSoftmax', ['opset', int(13)]),
  Concat: concat,
  ...Object.fromEntries([...moves, 'Expand', 'Tile', 'MaxPool'].map((op) => [op, move])),
};
