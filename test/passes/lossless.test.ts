import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress } from '../../src/compress/index.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { GraphProto } from '../../src/formats/onnx/proto.ts';
import { verify } from '../../src/ir/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel } from '../ort.ts';

const x = suite('lossless');

interface Outcome {
  ops: string[];
  done: string[];
  bytes: Uint8Array;
  written: Uint8Array;
}

async function shrink(
  graph: GraphProto,
  options: { opset?: number; irVersion?: number } = {},
): Promise<Outcome> {
  const bytes = modelBytes(graph, options);
  const { model, report } = await compress(await readModel(bytes));
  verify(model);
  const written = await writeModel(model);
  const ops = (await readModel(written)).graph.nodes.map(({ op }) => op);
  return { ops, done: report.lossless, bytes, written };
}

async function largestDifference({ bytes, written }: Outcome, dims: number[]): Promise<number> {
  const feeds = {
    x: input(
      noise(
        dims.reduce((a, b) => a * b, 1),
        9,
      ),
      dims,
    ),
  };
  const [before, after] = [await runModel(bytes, feeds), await runModel(written, feeds)];
  let worst = 0;
  for (const [name, tensor] of Object.entries(before)) {
    const [a, b] = [tensor.data as Float32Array, after[name]!.data as Float32Array];
    const most = a.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    a.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - b[i]!) / most);
    });
  }
  return worst;
}

const norm = (channels: number, seed: number) => [
  floats(
    'scale',
    [channels],
    noise(channels, seed, 0.3).map((v) => v + 1),
  ),
  floats('shift', [channels], noise(channels, seed + 1)),
  floats('mean', [channels], noise(channels, seed + 2)),
  floats(
    'variance',
    [channels],
    noise(channels, seed + 3).map((v) => v * v + 0.1),
  ),
];
const normInputs = ['scale', 'shift', 'mean', 'variance'];

const convolutions: [string, GraphProto, number[]][] = [
  [
    'Conv with a bias',
    {
      node: [
        node('Conv', ['x', 'w', 'b'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
      ],
      initializer: [
        floats('w', [8, 4, 3, 3], noise(288, 1)),
        floats('b', [8], noise(8, 2)),
        ...norm(8, 3),
      ],
    },
    [1, 4, 6, 6],
  ],
  [
    'Conv without one, grouped, another epsilon',
    {
      node: [
        node('Conv', ['x', 'w'], ['c'], { group: 4 }),
        node('BatchNormalization', ['c', ...normInputs], ['y'], { epsilon: { f: 0.01 } }),
      ],
      initializer: [floats('w', [8, 1, 3, 3], noise(72, 1)), ...norm(8, 3)],
    },
    [1, 4, 6, 6],
  ],
  [
    'ConvTranspose',
    {
      node: [
        node('ConvTranspose', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
      ],
      initializer: [floats('w', [4, 8, 3, 3], noise(288, 1)), ...norm(8, 3)],
    },
    [1, 4, 6, 6],
  ],
  [
    'Conv in one dimension',
    {
      node: [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
      ],
      initializer: [floats('w', [8, 4, 3], noise(96, 1)), ...norm(8, 3)],
    },
    [1, 4, 12],
  ],
];

for (const [name, graph, dims] of convolutions) {
  x(`BatchNormalization goes into ${name}`, async () => {
    const outcome = await shrink({ ...graph, input: [info('x', dims)], output: [info('y', null)] });
    assert.is(outcome.ops.length, 1);
    assert.match(outcome.done.join(), /1 BatchNormalization folded/);
    assert.ok(outcome.written.length < outcome.bytes.length);
    assert.ok((await largestDifference(outcome, dims)) < 2e-6);
  });
}

const refused: [string, GraphProto][] = [
  [
    'the weight has another reader',
    {
      node: [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
        node('Conv', ['x', 'w'], ['z']),
      ],
      output: [info('y', null), info('z', null)],
    },
  ],
  [
    'the convolution has another reader',
    {
      node: [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
        node('Relu', ['c'], ['z']),
      ],
      output: [info('y', null), info('z', null)],
    },
  ],
  [
    'the convolution is an output',
    {
      node: [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', ...normInputs], ['y']),
      ],
      output: [info('y', null), info('c', null)],
    },
  ],
  [
    'something is between',
    {
      node: [
        node('Conv', ['x', 'w'], ['c']),
        node('Relu', ['c'], ['r']),
        node('BatchNormalization', ['r', ...normInputs], ['y']),
      ],
      output: [info('y', null)],
    },
  ],
];

for (const [why, graph] of refused) {
  x(`BatchNormalization stays where ${why}`, async () => {
    const outcome = await shrink({
      ...graph,
      initializer: [floats('w', [8, 4, 3, 3], noise(288, 1)), ...norm(8, 3)],
      input: [info('x', [1, 4, 6, 6])],
    });
    assert.ok(outcome.ops.includes('BatchNormalization'));
    assert.is(await largestDifference(outcome, [1, 4, 6, 6]), 0);
  });
}

x('equal constants are stored once, others are not touched', async () => {
  const other = noise(256, 1);
  other[255] = 7;
  const outcome = await shrink({
    node: [
      node('MatMul', ['x', 'a'], ['p']),
      node('MatMul', ['p', 'b'], ['q']),
      node('MatMul', ['q', 'c'], ['y']),
    ],
    initializer: [
      floats('a', [16, 16], noise(256, 1)),
      floats('b', [16, 16], noise(256, 1)),
      floats('c', [16, 16], other),
    ],
    input: [info('x', [1, 16])],
    output: [info('y', null)],
  });
  assert.match(outcome.done.join(), /1 repeated constants stored once \(1024 bytes less\)/);
  assert.is((await readModel(outcome.written)).graph.constants.size, 2);
  assert.is(await largestDifference(outcome, [1, 16]), 0);
});

x('what no output needs goes; initializers listed as inputs become constants', async () => {
  const outcome = await shrink(
    {
      node: [
        node('Neg', ['x'], ['y']),
        node('Add', ['x', 'w'], ['lost']),
        node('Relu', ['lost'], ['more']),
      ],
      initializer: [floats('w', [16], noise(16, 1)), floats('nobody', [16], noise(16, 2))],
      input: [info('x', [1, 16]), info('w', [16]), info('nobody', [16])],
      output: [info('y', null)],
    },
    { opset: 9, irVersion: 3 },
  );
  assert.equal(outcome.ops, ['Neg']);
  const again = await readModel(outcome.written);
  assert.equal(
    again.graph.inputs.map(({ name }) => name),
    ['x'],
  );
  assert.is(again.graph.constants.size, 0);
  assert.is(await largestDifference(outcome, [1, 16]), 0);
});

x('a model with nothing to gain comes back byte by byte', async () => {
  const { bytes, written, done } = await shrink({
    node: [node('Relu', ['x'], ['y'])],
    input: [info('x', [1, 16])],
    output: [info('y', [1, 16])],
  });
  assert.equal(done, []);
  assert.equal(written, bytes);
});

x.run();
