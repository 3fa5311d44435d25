import { bytesOf } from '../core/tensor.ts';
import { constantOf, int64Constant } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, tensorType, type ValueType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { activationOf } from '../ops/activation.ts';
import { shapeOf } from './layout/permutation.ts';

/** Writes TFLite's recurrent operators of domain `mp` as ONNX's: SVDF, RNN and LSTM without projection, normalization
 *  and limits. Others stay. Types must be inferred. Results agree but for rounding. */
export function unfuseRecurrent(model: Model): void {
  const edit = new Edit(model, {
    pass: 'unfuse',
    rule: 'recurrent',
    reason: 'ONNX has these layers with weights of all gates in one',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const split = node.domain === 'mp' ? splits[node.op] : undefined;
      if (split?.(new Layer(edit, node, names)) === true) count++;
    }
  }
  if (count > 0) edit.commit();
}

type Attributes = Record<string, Attribute>;

const int = (value: number): Attribute => ({ type: 'int', value });
const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });

/** What takes a layer's place is put together here. */
class Layer {
  readonly node: Node;
  readonly #edit: Edit;
  readonly #names: Set<string>;

  constructor(edit: Edit, node: Node, names: Set<string>) {
    this.#edit = edit;
    this.node = node;
    this.#names = names;
  }

  input(index: number): Value | null {
    return this.node.inputs[index] ?? null;
  }

  number(name: string): number {
    const attribute = this.node.attributes.get(name);
    return attribute?.type === 'int' || attribute?.type === 'float' ? Number(attribute.value) : 0;
  }

  ints(values: readonly number[]): Value {
    return this.#constant(int64Constant(values));
  }

  zeros(shape: readonly number[]): Value {
    const count = shape.reduce((product, size) => product * size, 1);
    return this.#constant(constantOf('float32', shape, bytesOf(new Float32Array(count))));
  }

  #constant(constant: Parameters<Edit['addConstant']>[2]): Value {
    const name = freshName(this.#names, `${this.node.outputs[0]!.name}_constant`);
    return this.#edit.addConstant(this.node.graph, name, constant);
  }

  add(op: string, inputs: (Value | null)[], attributes: Attributes = {}): Value {
    return this.many(op, inputs, attributes, 1)[0]!;
  }

  many(op: string, inputs: (Value | null)[], attributes: Attributes, count: number): Value[] {
    const type: ValueType = tensorType('float32', null);
    const base = this.node.outputs[0]!.name;
    const outputs = Array.from({ length: count }, () => ({
      name: freshName(this.#names, `${base}_${op}`),
      type,
    }));
    const spec = { op, inputs, attributes: Object.entries(attributes) };
    return this.#edit.addNode({ before: this.node }, spec, outputs).outputs;
  }

  /** Ends with a value in the place of an output of the layer. */
  give(index: number, value: Value): void {
    const old = this.node.outputs[index];
    if (old === undefined || (old.uses.size === 0 && old.quantization === null)) return;
    const { name, origin } = old;
    this.#edit.rename(old, freshName(this.#names, `${name}_as_was`));
    this.#edit.rename(value, name);
    value.type = old.type;
    value.origin = origin;
    value.quantization = old.quantization;
    this.#edit.replaceUses(old, value);
  }

  end(): true {
    this.#edit.removeNode(this.node);
    return true;
  }
}

/** State [B, F · M]: the last M features of each filter; the newest at the end. */
function svdf(l: Layer): boolean {
  const [x, features, time] = [l.input(0)!, l.input(1)!, l.input(2)!];
  const [bias, state] = [l.input(3), l.input(4)!];
  const sizes = shapeOf(time.type);
  const [filters, memory] = sizes ?? [];
  const rank = l.number('rank');
  const { kind } = activationOf(l.node);
  if (typeof filters !== 'number' || typeof memory !== 'number') return false;
  if (kind !== 'none' && kind !== 'Relu') return false;
  const feature = l.add('Gemm', [x, features], { transB: int(1) });
  const levels = l.node.outputs[1]?.quantization ?? state.quantization;
  feature.quantization = levels;
  const column = l.add('Unsqueeze', [feature, l.ints([2])]);
  const cube = l.add('Reshape', [state, l.ints([-1, filters, memory])]);
  const newer = l.add('Slice', [cube, l.ints([1]), l.ints([memory]), l.ints([2])]);
  const next = l.add('Concat', [newer, column], { axis: int(2) });
  for (const value of [column, cube, newer, next]) value.quantization = levels;
  const products = l.add('Mul', [next, time]);
  const sums = l.add('ReduceSum', [products, l.ints([2])], { keepdims: int(0) });
  let y = sums;
  if (rank > 1) {
    const ranks = l.add('Reshape', [sums, l.ints([-1, filters / rank, rank])]);
    y = l.add('ReduceSum', [ranks, l.ints([2])], { keepdims: int(0) });
  }
  if (bias !== null) y = l.add('Add', [y, bias]);
  if (kind === 'Relu') y = l.add('Relu', [y]);
  l.give(0, y);
  l.give(1, l.add('Reshape', [next, l.ints([-1, filters * memory])]));
  return l.end();
}

/** x [B, I], [B, T, I] or [T, B, I] as [T, B, I]. */
function timeFirst(l: Layer, isStep: boolean): Value {
  const x = l.input(0)!;
  if (isStep) return l.add('Unsqueeze', [x, l.ints([0])]);
  return l.number('time_major') !== 0 ? x : l.add('Transpose', [x], { perm: ints([1, 0, 2]) });
}

/** Y [T, 1, B, U] in the layer's own order. */
function giveSequence(l: Layer, y: Value, isStep: boolean): void {
  const all = l.add('Squeeze', [y, l.ints(isStep ? [0, 1] : [1])]);
  const isDone = isStep || l.number('time_major') !== 0;
  l.give(0, isDone ? all : l.add('Transpose', [all], { perm: ints([1, 0, 2]) }));
}

/** Functions of a cell that ONNX has by name. */
const cellFunctions: Readonly<Record<string, string>> = {
  none: 'Affine',
  Relu: 'Relu',
  Tanh: 'Tanh',
  Sigmoid: 'Sigmoid',
};

const rnn =
  (isStep: boolean) =>
  (l: Layer): boolean => {
    const name = cellFunctions[activationOf(l.node).kind];
    const units = shapeOf(l.input(1)!.type)?.[0];
    if (name === undefined || name === 'Affine' || typeof units !== 'number') return false;
    const leading = (value: Value): Value => l.add('Unsqueeze', [value, l.ints([0])]);
    const bias = l.input(3) ?? l.zeros([units]);
    const both = leading(l.add('Concat', [bias, l.zeros([units])], { axis: int(0) }));
    const [w, r, h] = [l.input(1)!, l.input(2)!, l.input(4)!].map(leading) as [Value, Value, Value];
    const [y, last] = l.many(
      'RNN',
      [timeFirst(l, isStep), w, r, both, null, h],
      { hidden_size: int(units), activations: { type: 'strings', value: [name] } },
      2,
    ) as [Value, Value];
    giveSequence(l, y, isStep);
    l.give(1, l.add('Squeeze', [last, l.ints([0])]));
    return l.end();
  };

/** TFLite has gates as input, forget, cell, output; ONNX as input, output, forget, cell. */
const gates = [0, 3, 1, 2];

const lstm =
  (isStep: boolean) =>
  (l: Layer): boolean => {
    const name = cellFunctions[activationOf(l.node).kind];
    const units = shapeOf(l.input(12 + 1)?.type ?? null)?.[0];
    const isPlain =
      [16, 17, 20, 21, 22, 23].every((index) => l.input(index) === null) &&
      [1, 5, 12].every((index) => l.input(index) !== null) &&
      ['cell_clip', 'proj_clip', 'diagonal_recurrent_tensors'].every((key) => l.number(key) === 0);
    if (name === undefined || name === 'Affine' || typeof units !== 'number' || !isPlain)
      return false;
    const leading = (value: Value): Value => l.add('Unsqueeze', [value, l.ints([0])]);
    const joined = (from: number): Value => {
      const parts = gates.map((gate) => l.input(from + gate)!);
      return leading(l.add('Concat', parts, { axis: int(0) }));
    };
    const zeros = l.zeros([4 * units]);
    const parts = gates.map((gate) => l.input(12 + gate)!);
    const bias = leading(l.add('Concat', [...parts, zeros], { axis: int(0) }));
    const peepholes = [9, 11, 10].map((index) => l.input(index));
    const peephole = peepholes.some((value) => value !== null)
      ? leading(
          l.add(
            'Concat',
            peepholes.map((value) => value ?? l.zeros([units])),
            { axis: int(0) },
          ),
        )
      : null;
    const [h, c] = [leading(l.input(18)!), leading(l.input(19)!)];
    const [y, lastH, lastC] = l.many(
      'LSTM',
      [timeFirst(l, isStep), joined(1), joined(5), bias, null, h, c, peephole],
      {
        hidden_size: int(units),
        activations: { type: 'strings', value: ['Sigmoid', name, name] },
      },
      3,
    ) as [Value, Value, Value];
    giveSequence(l, y, isStep);
    l.give(1, l.add('Squeeze', [lastH, l.ints([0])]));
    l.give(2, l.add('Squeeze', [lastC, l.ints([0])]));
    return l.end();
  };

const splits: Readonly<Record<string, (l: Layer) => boolean>> = {
  SVDF: svdf,
  RNN: rnn(true),
  UnidirectionalSequenceRNN: rnn(false),
  LSTM: lstm(true),
  UnidirectionalSequenceLSTM: lstm(false),
};
