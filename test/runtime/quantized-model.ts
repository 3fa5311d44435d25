import * as assert from 'uvu/assert';
import { type Random, random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { type Attribute, type Constant, constantOf, constantOfTensor } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { makeOnnx, type PlainNode } from '../onnx-model.ts';
import { runModel } from '../ort.ts';

export type Levels = 'int8' | 'uint8';

export function floats(values: readonly number[], dims: readonly number[] = []): Constant {
  return constantOf('float32', dims, new Uint8Array(Float32Array.from(values).buffer));
}

export function integers(
  type: Levels,
  values: readonly number[],
  dims: readonly number[] = [],
): Constant {
  return constantOf(
    type,
    dims,
    Uint8Array.from(values, (value) => value & 255),
  );
}

export function levels(source: Random, type: Levels, dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  const bytes = Uint8Array.from({ length: size }, () => source.below(256));
  return new Tensor(type, type === 'int8' ? new Int8Array(bytes.buffer) : bytes, dims);
}

/** Runs a model here and in onnxruntime: integers equal but for a few that are one apart.
 *  @returns the kernels that ran */
export async function compare(
  bytes: Uint8Array,
  feeds: Record<string, Tensor>,
  apart = 0.01,
): Promise<string[]> {
  const running = createSession(await readModel(bytes));
  const own = running.run(feeds).y!;
  const kernels = running.profile(feeds).map(({ op, kernel }) => `${op}: ${kernel}`);
  running.dispose();
  const theirs = (await runModel(bytes, feeds)).y!;
  assert.equal(own.dims, theirs.dims);
  assert.is(own.type, theirs.type);
  closeLevels(own, theirs, apart);
  assert.not.ok(
    kernels.some((kernel) => /generic|host/.test(kernel)),
    kernels.join(', '),
  );
  return kernels;
}

export function closeLevels(own: Tensor, theirs: Tensor, apart: number): void {
  let others = 0;
  for (let i = 0; i < theirs.size; i++) {
    const difference = Math.abs(Number(own.data[i]) - Number(theirs.data[i]));
    assert.ok(difference <= 1, `${difference} levels at ${i}`);
    if (difference > 0) others++;
  }
  assert.ok(others <= apart * theirs.size, `${others} of ${theirs.size} differ`);
}

/** Attributes. */
export const ints = (...value: number[]): Attribute => ({ type: 'ints', value: value.map(BigInt) });
export const int = (value: number): Attribute => ({ type: 'int', value: BigInt(value) });

/** DequantizeLinear of every input, one operator, QuantizeLinear. */
export function between(
  node: PlainNode,
  type: Levels,
  inputs: Record<string, readonly [readonly number[], number]>,
  output: number,
  more: Record<string, Constant> = {},
): Uint8Array {
  const constants: Record<string, Constant> = {
    ...more,
    zero: integers(type, [type === 'int8' ? -3 : 125]),
    ys: floats([output]),
  };
  const nodes: PlainNode[] = Object.entries(inputs).map(([name, [, scale]]) => {
    constants[`${name}s`] = floats([scale]);
    return {
      op: 'DequantizeLinear',
      inputs: [name, `${name}s`, 'zero'],
      outputs: [`${name}_real`],
    };
  });
  nodes.push({ ...node, outputs: ['y_real'] });
  nodes.push({ op: 'QuantizeLinear', inputs: ['y_real', 'ys', 'zero'], outputs: ['y'] });
  return makeOnnx({
    opset: 17,
    nodes,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, [dims]]) => [name, [type, dims] as const]),
    ),
    outputs: { y: type },
    constants,
  });
}

/** A convolution of levels by levels: everything between DequantizeLinear and QuantizeLinear. */
export function conv(
  type: Levels,
  dims: readonly number[],
  shape: readonly number[],
  attributes: PlainNode['attributes'],
  weightZero: number,
  before: readonly PlainNode[] = [],
): { bytes: Uint8Array; feeds: Record<string, Tensor> } {
  const source = random(3);
  const weights = levels(source, weightZero === 0 ? 'int8' : 'uint8', shape);
  const isSigned = weightZero === 0;
  const scales = Array.from({ length: isSigned ? shape[0]! : 1 }, (_, i) => 0.0021 + i * 0.0003);
  const perChannel: PlainNode['attributes'] = isSigned ? [['axis', int(0)]] : [];
  const constants: Record<string, Constant> = {
    xs: floats([0.0173]),
    xz: integers(type, [type === 'int8' ? -9 : 117]),
    ws: floats(scales, isSigned ? [shape[0]!] : []),
    wz: isSigned
      ? integers('int8', new Array<number>(shape[0]!).fill(0), [shape[0]!])
      : integers('uint8', [weightZero]),
    w: constantOfTensor(weights),
    ys: floats([0.0691]),
    pads: constantOfTensor(new Tensor('int64', [0, 0, 1, 0, 0, 0, 1, 2], [8])),
  };
  const nodes: PlainNode[] = [
    { op: 'DequantizeLinear', inputs: ['x', 'xs', 'xz'], outputs: ['xr'] },
    { op: 'DequantizeLinear', inputs: ['w', 'ws', 'wz'], outputs: ['wr'], attributes: perChannel },
    ...before,
    {
      op: 'Conv',
      inputs: [before.at(-1)?.outputs[0] ?? 'xr', 'wr'],
      outputs: ['c'],
      attributes: attributes ?? [],
    },
    { op: 'Relu', inputs: ['c'], outputs: ['r'] },
    { op: 'QuantizeLinear', inputs: ['r', 'ys', 'xz'], outputs: ['y'] },
  ];
  const inputs = { x: [type, dims] as const };
  const bytes = makeOnnx({ opset: 17, nodes, inputs, outputs: { y: type }, constants });
  return { bytes, feeds: { x: levels(source, type, dims) } };
}

/** Attributes of a window. */
export const window = (
  strides: readonly number[],
  pads: readonly number[],
  group = 1,
  dilations: readonly number[] = strides.map(() => 1),
): NonNullable<PlainNode['attributes']> => [
  ['strides', ints(...strides)],
  ['pads', ints(...pads)],
  ['group', int(group)],
  ['dilations', ints(...dilations)],
];
