import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lossless } from '../../src/compress/lossless.ts';
import { prepareForIntegers } from '../../src/compress/prepare/index.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { verify } from '../../src/ir/index.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel } from '../ort.ts';
import { sharedFile } from '../shared.ts';

/** What is rewritten before quantizing computes the same in onnxruntime: 1e-6 of the largest number. */

const x = suite('rewrites before quantizing');

interface Prepared {
  ops: string[];
  done: string[];
  error: number;
}

async function prepared(bytes: Uint8Array, feeds: Record<string, Tensor>): Promise<Prepared> {
  const model = await readModel(bytes);
  await lossless(model);
  const done = await prepareForIntegers(model);
  verify(model);
  const written = await writeModel(model);
  const [before, after] = [await runModel(bytes, feeds), await runModel(written, feeds)];
  let error = 0;
  for (const [name, { data }] of Object.entries(before)) {
    const other = after[name]!.data as Float32Array;
    assert.is(other.length, data.length);
    let largest = 0;
    let difference = 0;
    (data as Float32Array).forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value));
      difference = Math.max(difference, Math.abs(value - other[i]!));
    });
    error = Math.max(error, difference / largest);
  }
  return { ops: model.graph.nodes.map(({ op }) => op), done, error };
}

const dims = [2, 4, 6, 6];
const image = input(noise(288, 1), dims);

function graph(
  nodes: NodeProto[],
  initializer: TensorProto[],
  shape: (number | string)[] = dims,
): Uint8Array {
  return modelBytes({
    node: nodes,
    initializer,
    input: [info('x', shape)],
    output: [info('y', null)],
  });
}

const weights = (name: string, shape: number[], seed: number): TensorProto =>
  floats(
    name,
    shape,
    noise(
      shape.reduce((a, b) => a * b, 1),
      seed,
      0.4,
    ),
  );

const norm = (name: string): TensorProto[] => [
  floats(`${name}s`, [4], [0.5, 2, 1, 3]),
  floats(`${name}b`, [4], [0.1, -0.2, 0.3, 0]),
  floats(`${name}m`, [4], [0.2, 0, -0.5, 1]),
  floats(`${name}v`, [4], [1, 0.25, 4, 0.01]),
];

const normalized = (from: string, name: string, to: string): NodeProto =>
  node('BatchNormalization', [from, ...['s', 'b', 'm', 'v'].map((part) => name + part)], [to]);

x('BatchNormalization before and behind a convolution, a scale and a shift', async () => {
  const made = await prepared(
    graph(
      [
        normalized('x', 'n', 'a'),
        node('Conv', ['a', 'w'], ['b']),
        normalized('b', 'm', 'c'),
        node('Relu', ['c'], ['d']),
        node('Mul', ['d', 'k'], ['e']),
        node('Conv', ['e', 'v', 'bias'], ['f']),
        node('Add', ['f', 'k'], ['g']),
        node('Identity', ['g'], ['y']),
      ],
      [
        ...norm('n'),
        ...norm('m'),
        weights('w', [4, 4, 3, 3], 3),
        weights('v', [4, 4, 1, 1], 4),
        floats('bias', [4], noise(4, 5)),
        floats('k', [1, 4, 1, 1], noise(4, 6)),
      ],
    ),
    { x: image },
  );
  assert.equal(made.ops, ['Conv', 'Relu', 'Conv']);
  assert.ok(made.error < 1e-6, `${made.error}`);
});

x(
  'a shift before a convolution that pads stays: it pads with zeros that are not shifted',
  async () => {
    const made = await prepared(
      graph(
        [normalized('x', 'n', 'a'), node('Conv', ['a', 'w'], ['y'], { pads: [1, 1, 1, 1] })],
        [...norm('n'), weights('w', [4, 4, 3, 3], 3)],
      ),
      { x: image },
    );
    assert.equal(made.ops, ['BatchNormalization', 'Conv']);
    assert.ok(made.error < 1e-6, `${made.error}`);
  },
);

x('a transposed convolution takes the BatchNormalization behind it', async () => {
  const made = await prepared(
    graph(
      [node('ConvTranspose', ['x', 'w'], ['a'], { strides: [2, 2] }), normalized('a', 'n', 'y')],
      [...norm('n'), weights('w', [4, 4, 2, 2], 3)],
    ),
    { x: image },
  );
  assert.equal(made.ops, ['ConvTranspose']);
  assert.ok(made.error < 1e-6, `${made.error}`);
});

x('h-swish and h-sigmoid that are spelled out become one operator each', async () => {
  const made = await prepared(
    graph(
      [
        node('Conv', ['x', 'w'], ['a']),
        node('Add', ['a', 'three'], ['b']),
        node('Clip', ['b', 'zero', 'six'], ['c']),
        node('Mul', ['a', 'c'], ['d']),
        node('Div', ['d', 'six'], ['e']),
        node('Add', ['e', 'three'], ['f']),
        node('Clip', ['f', 'zero', 'six'], ['g']),
        node('Div', ['g', 'six'], ['y']),
      ],
      [
        weights('w', [4, 4, 1, 1], 3),
        floats('zero', [], [0]),
        floats('three', [], [3]),
        floats('six', [], [6]),
      ],
    ),
    { x: image },
  );
  assert.equal(made.ops, ['Conv', 'HardSwish', 'HardSigmoid']);
  assert.ok(made.error < 1e-6, `${made.error}`);
});

x('a product with a bias behind it is one, whatever axes are in front', async () => {
  const made = await prepared(
    graph(
      [
        node('MatMul', ['x', 'w'], ['a']),
        node('Add', ['bias', 'a'], ['b']),
        node('Relu', ['b'], ['c']),
        node('MatMul', ['c', 'v'], ['y']),
      ],
      [weights('w', [5, 7], 3), floats('bias', [7], noise(7, 4)), weights('v', [1, 1, 7, 3], 5)],
      ['n', 2, 3, 5],
    ),
    { x: input(noise(60, 1), [2, 2, 3, 5]) },
  );
  assert.equal(made.ops, ['Reshape', 'Gemm', 'Reshape', 'Relu', 'MatMul']);
  assert.ok(made.error < 1e-6, `${made.error}`);
});

x('layers and weights keep the names that callers know', async () => {
  const model = await readModel(
    graph(
      [node('Conv', ['x', 'w'], ['a']), node('Mul', ['a', 'k'], ['y'])],
      [weights('w', [4, 4, 1, 1], 3), floats('k', [4, 1, 1], noise(4, 6))],
    ),
  );
  await prepareForIntegers(model);
  const [conv] = model.graph.nodes;
  assert.equal([conv!.name, conv!.inputs[1]!.name], ['Conv_a', 'w']);
});

x('weights that several products read keep their numbers', async () => {
  const made = await prepared(
    graph(
      [
        node('Conv', ['x', 'w'], ['a']),
        node('Mul', ['a', 'k'], ['b']),
        node('Conv', ['b', 'w'], ['y']),
      ],
      [weights('w', [4, 4, 1, 1], 3), floats('k', [4, 1, 1], noise(4, 6)), ints('unused', [1])],
    ),
    { x: image },
  );
  assert.equal(made.ops, ['Conv', 'Mul', 'Conv']);
  assert.is(made.error, 0);
});

const ocr = sharedFile('onnx-models/ch_ppocr_mobile_v2.0_cls_infer.onnx');
if (ocr !== null)
  x("PP-OCR's classifier: 18 h-swishes, and the same answers", async () => {
    const made = await prepared(ocr, { x: input(noise(27648, 3), [1, 3, 48, 192]) });
    assert.is(made.ops.filter((op) => op === 'HardSwish').length, 18);
    assert.not(made.ops.includes('BatchNormalization'));
    assert.ok(made.error < 1e-6, `${made.error}`);
  });

x.run();
