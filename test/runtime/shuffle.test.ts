import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { createSession } from '../../src/runtime/index.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';

/** Shuffles of channels and pixels between convolutions, where images have their channels last. */

const x = suite('shuffles in sessions');

/** @param between  from `a`, [1, 16, 6, 4], to `b` */
async function kernelsOf(
  between: NodeProto[],
  constants: TensorProto[],
  channels: number,
): Promise<string[]> {
  const bytes = modelBytes(
    {
      input: [info('x', [1, 16, 6, 4])],
      output: [info('y', null)],
      initializer: [
        floats('v', [16, 16, 1, 1], noise(256, 1)),
        floats('w', [channels, channels, 1, 1], noise(channels * channels, 2)),
        ...constants,
      ],
      node: [node('Conv', ['x', 'v'], ['a']), ...between, node('Conv', ['b', 'w'], ['y'])],
    },
    { opset: 17 },
  );
  const feeds = { x: new Tensor('float32', noise(384, 3), [1, 16, 6, 4]) };
  const session = createSession(await readModel(bytes));
  const y = session.run(feeds).y!;
  const rows = session.profile(feeds);
  session.dispose();
  const expected = (await runModel(bytes, feeds)).y!;
  assert.equal(y.dims, expected.dims);
  for (let i = 0; i < y.size; i++)
    assert.ok(Math.abs(Number(y.data[i]) - Number(expected.data[i])) < 1e-5, `at ${i}`);
  assert.is(rows.filter(({ op }) => op === 'Transpose').length, 2);
  return rows
    .filter(({ op }) => /Space|Gather/.test(op))
    .map(({ op, kernel }) => `${op} ${kernel}`);
}

for (const mode of ['DCR', 'CRD']) {
  x(`DepthToSpace ${mode}`, async () => {
    const between = [node('DepthToSpace', ['a'], ['b'], { blocksize: 2, mode })];
    assert.equal(await kernelsOf(between, [], 4), ['mp.DepthToSpace x32_copy']);
  });
}

x('SpaceToDepth', async () => {
  const between = [node('SpaceToDepth', ['a'], ['b'], { blocksize: 2 })];
  assert.equal(await kernelsOf(between, [], 64), ['mp.SpaceToDepth x32_copy']);
});

const indices: readonly (readonly [what: string, order: number[], kernel: string])[] = [
  ['a shuffle of channels', [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], 'x32_copy'],
  ['every other channel', [1, 3, 5, 7], 'x32_copy'],
  ['channels twice', [2, 2, 3, 3, 4, 4], 'x32_copy'],
  ['channels in no order', [3, -1, 0, 7, 7, 2], 'gather'],
];
for (const [what, order, kernel] of indices) {
  x(`${what}`, async () => {
    const between = [node('Gather', ['a', 'order'], ['b'], { axis: 1 })];
    assert.equal(await kernelsOf(between, [ints('order', order)], order.length), [
      `Gather ${kernel}`,
    ]);
  });
}

x('a shuffle of channels that is spelled out', async () => {
  const between = [
    node('Reshape', ['a', 'split'], ['s']),
    node('Transpose', ['s'], ['t'], { perm: [0, 2, 1, 3, 4] }),
    node('Reshape', ['t', 'after'], ['b']),
  ];
  const constants = [ints('split', [1, 2, 8, 6, 4]), ints('after', [1, 16, 6, 4])];
  assert.equal(await kernelsOf(between, constants, 16), ['Gather x32_copy']);
});

x.run();
