import ort from 'onnxruntime-node';
import * as assert from 'uvu/assert';
import type { DType } from '../../../src/core/dtype.ts';
import { random } from '../../../src/core/random.ts';
import { bytesOf } from '../../../src/core/tensor.ts';
import { type AdaptContext, adaptUp, type Form } from '../../../src/formats/onnx/adapt/index.ts';
import { type Attribute, type Constant, constantOf } from '../../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../../onnx-model.ts';

ort.env.logLevel = 'fatal';

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const floats = (...value: number[]): Attribute => ({ type: 'floats', value });
export const string = (value: string): Attribute => ({ type: 'string', value });
export const floatConstant = (shape: number[], ...values: number[]): Constant =>
  constantOf('float32', shape, bytesOf(Float32Array.from(values)));

export interface Case {
  op: string;
  from: number;
  to: number;
  attributes?: Record<string, Attribute>;
  /** Shapes of float inputs, or constants; null for an absent one. */
  inputs: (number[] | Constant | null)[];
  outputs?: DType[];
  /** How many outputs have a name; default all. */
  used?: number;
  /** Operators expected after raising, in order. */
  becomes?: string[];
}

export interface Raised {
  nodes: PlainNode[];
  constants: Record<string, Constant>;
  forms: Form<string>[];
  original: Form<string>;
}

export function raise(c: Case, to: number = c.to): Raised {
  const constants: Record<string, Constant> = {};
  const ranks: Record<string, number> = {};
  const inputs = c.inputs.map((input, index) => {
    if (input === null) return null;
    const name = `x${index}`;
    if (!Array.isArray(input)) constants[name] = input;
    ranks[name] = Array.isArray(input) ? input.length : input.shape.length;
    return name;
  });
  let count = 0;
  const context: AdaptContext<string> = {
    constant: (constant, hint) => {
      const name = `${hint}_${count++}`;
      constants[name] = constant;
      return name;
    },
    fresh: (hint) => `${hint}_${count++}`,
    rank: (value) => ranks[value] ?? null,
    constantOf: (value) => constants[value] ?? null,
    dtype: () => 'float32',
    isUsed: (value) => value !== '',
  };
  const original: Form<string> = {
    op: c.op,
    domain: '',
    attributes: new Map(Object.entries(c.attributes ?? {})),
    inputs,
    outputs: (c.outputs ?? ['float32']).map((_, index) =>
      index < (c.used ?? 9) ? `y${index}` : '',
    ),
  };
  const forms = adaptUp(original, c.from, to, context);
  const nodes = forms.map((form) => ({ ...form, inputs: form.inputs.map((name) => name ?? '') }));
  return { nodes, constants, forms, original };
}

/** Outputs of onnxruntime, the same inputs for the same shapes. */
export async function outputsOf(
  c: Case,
  { nodes, constants }: Raised,
  opset: number,
): Promise<ort.Tensor[]> {
  const inputs: Record<string, readonly [DType, readonly number[]]> = {};
  const feeds: Record<string, ort.Tensor> = {};
  const { uniform } = random(7);
  for (const [index, input] of c.inputs.entries()) {
    if (!Array.isArray(input)) continue;
    inputs[`x${index}`] = ['float32', input];
    const size = input.reduce((a, b) => a * b, 1);
    feeds[`x${index}`] = new ort.Tensor(
      'float32',
      Float32Array.from({ length: size }, () => uniform() * 4 - 2),
      input,
    );
  }
  const outputs = Object.fromEntries(
    (c.outputs ?? ['float32']).slice(0, c.used).map((dtype, index) => [`y${index}`, dtype]),
  );
  const bytes = makeOnnx({ opset, nodes, inputs, outputs, constants });
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const results = await session.run(feeds);
  await session.release();
  return Object.keys(outputs).map((name) => results[name]!);
}

export function assertClose(a: ort.Tensor, b: ort.Tensor): void {
  assert.equal(a.dims, b.dims);
  const [x, y] = [
    Array.from(a.data as Float32Array, Number),
    Array.from(b.data as Float32Array, Number),
  ];
  x.forEach((value, index) => {
    assert.ok(
      Math.abs(value - y[index]!) <= 1e-5 * Math.max(1, Math.abs(value)),
      `element ${index}: ${value} and ${y[index]}`,
    );
  });
}
