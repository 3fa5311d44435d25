import { linearLayers } from '../../src/compress/sensitivity/linear.ts';
import { bytesOf } from '../../src/core/tensor.ts';
import { clone, constantOf, Edit, type Model } from '../../src/ir/index.ts';
import { floatsOf } from '../../src/passes/constants.ts';

/** Faults to plant in models. */

export async function changed(
  from: Model,
  layer: number,
  change: (weights: Float32Array, bias: Float32Array, shape: readonly number[]) => void,
): Promise<Model> {
  const copy = clone(from);
  const found = linearLayers(copy)[layer]!;
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const weights = (await floatsOf(found.constant)).slice();
  const bias = (await floatsOf(found.bias!.constant!)).slice();
  change(weights, bias, found.constant.shape);
  const { shape } = found.constant;
  edit.setConstant(found.weight, constantOf('float32', shape, bytesOf(weights)));
  edit.setConstant(found.bias!, constantOf('float32', [bias.length], bytesOf(bias)));
  edit.commit();
  return copy;
}

/** One output channel of a convolution times a factor, and the next one's weights for it divided by it. */
export async function withOutlier(
  from: Model,
  layer: number,
  at: number,
  factor: number,
): Promise<Model> {
  const first = await changed(from, layer, (weights, bias, shape) => {
    const size = weights.length / shape[0]!;
    for (let i = at * size; i < (at + 1) * size; i++) weights[i]! *= factor;
    bias[at]! *= factor;
  });
  return changed(first, layer + 1, (weights, _, [out, , ...taps]) => {
    const inner = taps.reduce((a, b) => a * b, 1);
    const inputs = weights.length / out! / inner;
    for (let o = 0; o < out!; o++)
      for (let t = 0; t < inner; t++) weights[(o * inputs + at) * inner + t]! /= factor;
  });
}

/** What a block adds is a constant more, and the next block takes it away again. */
export async function withOffset(from: Model, layer: number, offset: number): Promise<Model> {
  const first = await changed(from, layer, (_, bias) => {
    for (let i = 0; i < bias.length; i++) bias[i]! += offset;
  });
  const second = await changed(first, layer + 1, (weights, bias) => {
    const size = weights.length / bias.length;
    weights.forEach((weight, i) => {
      bias[Math.floor(i / size)]! -= offset * weight;
    });
  });
  return changed(second, layer + 2, (_, bias) => {
    for (let i = 0; i < bias.length; i++) bias[i]! -= offset;
  });
}

export function scaled(made: Model, layer: number, factor: number): Model {
  return withScale(made, layer, (scale) => scale.map((size) => size * factor));
}

/** The DequantizeLinear of the n-th product's weights. */
function weightReader(made: Model, layer: number): Model['graph']['nodes'][number] {
  const products = made.graph.nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm');
  return products[layer]!.inputs[1]!.producer!;
}

function withScale(
  made: Model,
  layer: number,
  change: (scale: Float32Array) => Float32Array,
): Model {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = weightReader(copy, layer);
  const { constant } = node.inputs[1]!;
  const bytes = constant!.data.read(0, constant!.data.size) as Uint8Array;
  const scale = change(new Float32Array(bytes.slice().buffer));
  const value = edit.addConstant(
    copy.graph,
    'planted_scale',
    constantOf('float32', constant!.shape, bytesOf(scale)),
  );
  edit.setInput(node, 1, value);
  edit.commit();
  return copy;
}

/** The DequantizeLinear behind the first Relu has another zero point than its QuantizeLinear. */
export function shifted(made: Model, by: number): Model {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = copy.graph.nodes.find(
    ({ op, inputs }) =>
      op === 'DequantizeLinear' && inputs[0]?.producer?.inputs[0]?.producer?.op === 'Relu',
  )!;
  const value = edit.addConstant(
    copy.graph,
    'planted_zero',
    constantOf('int8', [], Uint8Array.of(256 - 128 + by)),
  );
  edit.setInput(node, 2, value);
  edit.commit();
  return copy;
}

/** Levels as unsigned integers would have them, read as signed ones. */
export async function mixed(made: Model, layer: number): Promise<Model> {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = weightReader(copy, layer);
  const { constant } = node.inputs[0]!;
  const bytes = (await constant!.data.read(0, constant!.data.size)).slice();
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i]! + 128) & 255;
  const value = edit.addConstant(
    copy.graph,
    'planted_levels',
    constantOf('int8', constant!.shape, bytes),
  );
  edit.setInput(node, 0, value);
  edit.commit();
  return copy;
}

/** A normalization that does nothing on the whole behind the second convolution. */
export async function withNormalization(from: Model): Promise<Model> {
  const copy = await changed(from, 1, (weights, bias, shape) => {
    const size = weights.length / shape[0]!;
    weights.forEach((_, i) => {
      weights[i]! /= 1 + (Math.floor(i / size) % 4);
    });
    bias.forEach((_, i) => {
      bias[i]! /= 1 + (i % 4);
    });
  });
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const { node } = linearLayers(copy)[1]!;
  const output = node.outputs[0]!;
  const channels = 16;
  const add = (name: string, number: (i: number) => number): ReturnType<Edit['addConstant']> =>
    edit.addConstant(
      copy.graph,
      name,
      constantOf(
        'float32',
        [channels],
        bytesOf(Float32Array.from({ length: channels }, (_, i) => number(i))),
      ),
    );
  const made = edit.addNode(
    { after: node },
    {
      op: 'BatchNormalization',
      inputs: [
        output,
        add('bn_scale', (i) => 1 + (i % 4)),
        add('bn_bias', () => 0),
        add('bn_mean', () => 0),
        add('bn_var', () => 1),
      ],
    },
    [{ name: 'bn_planted', type: output.type }],
  );
  edit.replaceUses(output, made.outputs[0]!, ({ user }) => user !== made);
  edit.commit();
  return copy;
}
