import { bytesOf } from '../core/tensor.ts';
import { constantOf, constantOfValue } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Node, NodeSpec, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, type Quantization, shapeOf } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { type Activation, activationOf } from '../ops/activation.ts';
import {
  canPermute,
  isPermutable,
  permutedConstant,
  permutedQuantization,
  permutedType,
} from './layout/permutation.ts';
import { isSaturation } from './saturation.ts';

/** Writes operators of domain `mp` that ONNX has in parts as these parts: activations, sums in convolutions, products
 *  with a bias and transposed operands. What is spatial stays in domain `mp`, without them: `assignLayout` turns it. A
 *  quantized result is that of the last part. Types must be inferred. Linear in the number of nodes. */
export function unfuse(model: Model): void {
  const edit = new Edit(model, {
    pass: 'unfuse',
    rule: 'parts',
    reason: 'ONNX has the parts as operators of their own',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const split = node.domain === 'mp' ? splits[node.op] : undefined;
      if (split?.(new Parts(edit, node, names)) === true) count++;
    }
  }
  if (count > 0) edit.commit();
}

/** What takes a node's place is put together here, from its operands on. */
class Parts {
  readonly node: Node;
  readonly #edit: Edit;
  readonly #names: Set<string>;
  /** What is still to be put behind a result. */
  readonly #pending: ((x: Value) => NodeSpec)[] = [];

  constructor(edit: Edit, node: Node, names: Set<string>) {
    this.#edit = edit;
    this.node = node;
    this.#names = names;
  }

  /** The node's attributes but for those of its activation. */
  attributes(...without: string[]): [string, Attribute][] {
    return [...this.node.attributes].filter(
      ([name]) => !name.startsWith('activation') && !without.includes(name),
    );
  }

  /** An operator on the result so far. */
  follow(spec: (x: Value) => NodeSpec): void {
    this.#pending.push(spec);
  }

  activate(): void {
    const activation = activationOf(this.node);
    if (isIdle(activation, this.node.outputs[0]!.quantization)) return;
    if (activation.kind === 'Silu') {
      let before: Value;
      this.follow((x) => {
        before = x;
        return { op: 'Sigmoid', inputs: [x] };
      });
      this.follow((x) => ({ op: 'Mul', inputs: [before, x] }));
    } else if (activation.kind !== 'none') this.follow((x) => this.#activation(x, activation));
  }

  scalar(value: number, hint: string): Value {
    const name = freshName(this.#names, `${this.node.outputs[0]!.name}_${hint}`);
    const constant = constantOf('float32', [], bytesOf(Float32Array.of(value)));
    return this.#edit.addConstant(this.node.graph, name, constant);
  }

  /** An operand with its last two axes exchanged. */
  turned(value: Value): Value {
    const rank = shapeOf(value.type)!.length;
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    perm.splice(rank - 2, 2, rank - 1, rank - 2);
    const constant = constantOfValue(value);
    const name = freshName(this.#names, `${value.name}_turned`);
    const fits = canPermute(value.quantization);
    const type = permutedType(value.type, perm);
    let result: Value;
    if (constant !== null && fits && isPermutable(constant)) {
      const moved = permutedConstant(constant, perm);
      result = this.#edit.addConstant(this.node.graph, name, moved);
      if (value.quantization !== null) result.type = type;
    } else {
      const attributes = [['perm', { type: 'ints', value: perm }]] as const;
      const spec = { op: 'Transpose', inputs: [value], attributes };
      const place = { before: this.node };
      result = this.#edit.addNode(place, spec, [{ name, type }]).outputs[0]!;
    }
    if (fits) result.quantization = permutedQuantization(value.quantization, perm);
    return result;
  }

  /** Ends with the first part; all others follow it. */
  end(first: NodeSpec): true {
    const output = this.node.outputs[0]!;
    const { name, type, quantization, origin } = output;
    const count = this.#pending.length;
    const add = (spec: NodeSpec, index: number): Value => {
      const isLast = index === count;
      const named = isLast ? name : freshName(this.#names, `${name}_${spec.op}`);
      const whole = { ...spec, name: isLast ? this.node.name : '' };
      return this.#edit.addNode({ before: this.node }, whole, [{ name: named, type }]).outputs[0]!;
    };
    let result = add(first, 0);
    this.#pending.forEach((spec, index) => {
      result = add(spec(result), index + 1);
    });
    result.quantization = quantization;
    result.origin = origin;
    this.#edit.replaceUses(output, result);
    this.#edit.removeNode(this.node);
    return true;
  }

  #activation(x: Value, { kind, min, max, alpha, beta }: Activation): NodeSpec {
    const float = (value: number): Attribute => ({ type: 'float', value });
    switch (kind) {
      case 'Clip': {
        const low = min === -Infinity ? null : this.scalar(min, 'min');
        const high = max === Infinity ? [] : [this.scalar(max, 'max')];
        return { op: 'Clip', inputs: [x, low, ...high] };
      }
      case 'LeakyRelu':
      case 'Elu':
        return { op: kind, inputs: [x], attributes: [['alpha', float(alpha)]] };
      case 'HardSigmoid': {
        const attributes = { alpha: float(alpha), beta: float(beta) };
        return { op: kind, inputs: [x], attributes: Object.entries(attributes) };
      }
      case 'GeluTanh': {
        const approximate: Attribute = { type: 'string', value: 'tanh' };
        return { op: 'Gelu', inputs: [x], attributes: [['approximate', approximate]] };
      }
      default:
        return { op: kind, inputs: [x] };
    }
  }
}

/** Whether quantizing does what the activation does. onnxruntime then has one operator of integers, and takes Clip for
 *  another where its bound is just inside (1.30). */
function isIdle({ kind, min, max }: Activation, quantization: Quantization | null): boolean {
  if (quantization === null || (kind !== 'Relu' && kind !== 'Clip')) return false;
  return isSaturation(kind === 'Relu' ? 0 : min, max, quantization);
}

const splits: Readonly<Record<string, (parts: Parts) => boolean>> = {
  Conv: convolution,
  ConvTranspose: convolution,
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  MatMul: product,
};

function convolution(parts: Parts): boolean {
  const { node } = parts;
  const [x, w, bias = null, addend = null] = node.inputs;
  if (addend !== null) parts.follow((sum) => ({ op: 'Add', inputs: [sum, addend] }));
  parts.activate();
  if (addend === null && activationOf(node).kind === 'none') return false;
  const inputs = bias === null ? [x!, w!] : [x!, w!, bias];
  return parts.end({ op: node.op, domain: 'mp', inputs, attributes: parts.attributes() });
}

function arithmetic(parts: Parts): boolean {
  const { op, inputs } = parts.node;
  parts.activate();
  return parts.end({ op, inputs: [...inputs], attributes: parts.attributes() });
}

function product(parts: Parts): boolean {
  const { node } = parts;
  const [a, b, bias = null] = node.inputs as [Value, Value, Value?];
  const [left, right] = [shapeOf(a.type)?.length, shapeOf(b.type)?.length];
  const flag = (name: string): boolean => {
    const attribute = node.attributes.get(name);
    return attribute?.type === 'int' && Number(attribute.value) !== 0;
  };
  const isFloat = a.type?.kind === 'tensor' && a.type.dtype === 'float32';
  if (left === 2 && right === 2 && isFloat) {
    parts.activate();
    const inputs = bias === null ? [a, b] : [a, b, bias];
    return parts.end({ op: 'Gemm', inputs, attributes: parts.attributes() });
  }
  const isTurned = [flag('transA'), flag('transB')];
  if ((isTurned[0] && left === undefined) || (isTurned[1] && right === undefined)) return false;
  const alpha = node.attributes.get('alpha');
  if (alpha?.type === 'float' && alpha.value !== 1)
    parts.follow((x) => ({ op: 'Mul', inputs: [x, parts.scalar(alpha.value, 'alpha')] }));
  if (bias !== null) parts.follow((x) => ({ op: 'Add', inputs: [x, bias] }));
  parts.activate();
  const inputs = [a, b].map((value, i) => (isTurned[i] ? parts.turned(value) : value));
  return parts.end({ op: 'MatMul', inputs });
}
