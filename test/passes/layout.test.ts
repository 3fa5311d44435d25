import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { allNodes, clone, verify } from '../../src/ir/index.ts';
import { assignLayout, channelsFirst, channelsLast } from '../../src/passes/layout.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';
import { difference, feedsOf, layOut } from './layout-kit.ts';

const x = suite('layout');

const tensor = (name: string, dims: number[]): TensorProto =>
  floats(
    name,
    dims,
    noise(
      dims.reduce((a, b) => a * b, 1),
      name.length + dims.length,
    ),
  );

/** One spatial operator after another, each of a kind. */
function spatial(dims: readonly (number | string)[]): Uint8Array {
  const rank = dims.length;
  const kernel = new Array<number>(rank - 2).fill(2);
  const pool = { kernel_shape: kernel };
  return modelBytes(
    {
      input: [info('x', dims)],
      output: [info('y', null), info('g', null)],
      initializer: [
        tensor('w', [4, 4, ...kernel]),
        tensor('v', [4, 2, ...kernel]),
        tensor('s', [4]),
        tensor('t', [4]),
        tensor('m', [4]),
        floats('q', [4], [1, 2, 0.5, 1.5]),
        floats('scales', [rank], [1, 1, ...new Array<number>(rank - 2).fill(2)]),
      ],
      node: [
        node('Conv', ['x', 'w', 's'], ['a']),
        node('MaxPool', ['a'], ['b'], { ...pool, strides: kernel.map(() => 1) }),
        node('BatchNormalization', ['b', 's', 't', 'm', 'q'], ['c']),
        node('ConvTranspose', ['c', 'v', 't'], ['d'], { group: 2 }),
        node('AveragePool', ['d'], ['e'], pool),
        node('InstanceNormalization', ['e', 's', 't'], ['f']),
        node('Resize', ['f', '', 'scales'], ['h'], { mode: 'nearest' }),
        node('LpPool', ['h'], ['y'], pool),
        node('GlobalMaxPool', ['y'], ['k']),
        node('GlobalAveragePool', ['y'], ['l']),
        node('Add', ['k', 'l'], ['g']),
      ],
    },
    { opset: 18 },
  );
}

for (const dims of [
  ['n', 4, 9],
  [2, 4, 9, 'width'],
  [1, 4, 5, 6, 7],
]) {
  x(`spatial operators of rank ${dims.length}`, async () => {
    const laid = await layOut(spatial(dims), { symbol: 8 });
    // The input, and two outputs.
    assert.is(laid.transposes, 3);
    assert.is(laid.ops.filter((op) => op.startsWith('mp.')).length, 10);
    assert.ok(laid.difference <= 1e-5, `${laid.difference}`);
  });
}

x('DepthToSpace, SpaceToDepth, LRN', async () => {
  const bytes = modelBytes({
    input: [info('x', [1, 8, 4, 6])],
    output: [info('y', null)],
    node: [
      node('LRN', ['x'], ['a'], { size: 3 }),
      node('DepthToSpace', ['a'], ['b'], { blocksize: 2, mode: 'CRD' }),
      node('SpaceToDepth', ['b'], ['y'], { blocksize: 2 }),
    ],
  });
  const laid = await layOut(bytes);
  assert.is(laid.transposes, 2);
  assert.is(laid.difference, 0);
});

x('there and back: ONNX again, with the operators and Transposes it had', async () => {
  const bytes = spatial([2, 4, 9, 8]);
  const model = await readModel(bytes);
  const before = [...allNodes(model.graph)].map(({ op }) => op).sort();
  assignLayout(model, channelsLast);
  const { transposes } = assignLayout(model, channelsFirst);
  verify(model);
  assert.is(transposes, 0);
  assert.equal([...allNodes(model.graph)].map(({ op, domain }) => domain + op).sort(), before);
  assert.is(await difference(bytes, await writeModel(model), feedsOf(model)), 0);
});

x('inputs and outputs get the layout that is asked for, by name or all', async () => {
  const bytes = spatial([2, 4, 9, 8]);
  const model = await readModel(bytes);
  const all = clone(model);
  assert.is(assignLayout(all, channelsLast, { inputs: 'NHWC', outputs: 'NHWC' }).transposes, 0);
  verify(all);
  const shape = (m: typeof model): unknown => {
    const type = m.graph.inputs[0]!.type;
    return type?.kind === 'tensor' ? type.shape : null;
  };
  assert.equal(shape(all), [2, 9, 8, 4]);
  assert.equal(
    all.graph.outputs.map(({ name }) => name),
    ['y', 'g'],
  );
  const byName = clone(model);
  assert.is(assignLayout(byName, channelsLast, { outputs: { g: 'NHWC' } }).transposes, 2);
  assert.equal(shape(byName), [2, 4, 9, 8]);
});

x('a sequence that no spatial operator sees keeps its layout, and its Transposes', async () => {
  const bytes = modelBytes({
    input: [info('x', [2, 5, 4])],
    output: [info('y', null)],
    initializer: [tensor('w', [5, 3])],
    node: [node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }), node('MatMul', ['t', 'w'], ['y'])],
  });
  const model = await readModel(bytes);
  const { changed } = assignLayout(model, channelsLast, { inputs: 'NHWC' });
  assert.is(changed, 0);
});

x('outputs that are one array, an input that is an output', async () => {
  const bytes = modelBytes({
    input: [info('x', [1, 4, 3, 5])],
    output: [info('y', null), info('z', null), info('u', null)],
    initializer: [tensor('w', [4, 4, 1, 1])],
    node: [
      node('Transpose', ['x'], ['t'], { perm: [0, 2, 3, 1] }),
      node('Transpose', ['t'], ['u'], { perm: [0, 3, 1, 2] }),
      node('Conv', ['u', 'w'], ['y']),
      node('Transpose', ['y'], ['z'], { perm: [0, 2, 3, 1] }),
    ],
  });
  const laid = await layOut(bytes);
  assert.is(laid.transposes, 2);
  assert.is(laid.difference, 0);
});

x(
  'what a body reads from outside stays as the body wants it; bodies are done each by itself',
  async () => {
    const body = (name: string, op: string) => ({
      name,
      node: [node('Conv', ['a', 'w'], [`${name}_c`]), node(op, [`${name}_c`], [`${name}_y`])],
      output: [info(`${name}_y`, null)],
    });
    const bytes = modelBytes({
      input: [info('x', [1, 4, 3, 5]), info('if', [], 9)],
      output: [info('y', null)],
      initializer: [tensor('w', [4, 4, 1, 1])],
      node: [
        node('Conv', ['x', 'w'], ['a']),
        node('If', ['if'], ['b'], {
          then_branch: body('p', 'Relu'),
          else_branch: body('q', 'Neg'),
        }),
        node('Conv', ['b', 'w'], ['y']),
      ],
    });
    const model = await readModel(bytes);
    const { transposes } = assignLayout(model, channelsLast);
    verify(model);
    assert.is(transposes, 4 + 2 * 2);
    const convs = [...allNodes(model.graph)].filter(({ op }) => op === 'Conv');
    assert.equal(
      convs.map(({ domain }) => domain),
      ['mp', 'mp', 'mp', 'mp'],
    );
  },
);

x('random graphs: as few Transposes as the cut says, the same results, settled', async () => {
  const next = random(77);
  for (let round = 0; round < 40; round++) {
    const values = ['x'];
    const nodes: NodeProto[] = [];
    const pick = (): string => values[next.below(values.length)]!;
    const makers: ((to: string) => NodeProto[])[] = [
      (to) => [node('Conv', [pick(), 'w'], [to])],
      (to) => [node('MaxPool', [pick()], [to], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
      (to) => [node('Add', [pick(), pick()], [to])],
      (to) => [node('Mul', [pick(), 'c'], [to])],
      (to) => [node('Relu', [pick()], [to])],
      (to) => [node('Softmax', [pick()], [to], { axis: next.below(4) })],
      (to) => [node('MatMul', [pick(), 'm'], [to])],
      (to) => [
        node('Transpose', [pick()], [`${to}t`], { perm: [0, 2, 3, 1] }),
        node('Tanh', [`${to}t`], [`${to}u`]),
        node('Transpose', [`${to}u`], [to], { perm: [0, 3, 1, 2] }),
      ],
      (to) => [
        node('ReduceMax', [pick(), 'axes'], [`${to}m`], { keepdims: 1 }),
        node('Sub', [pick(), `${to}m`], [to]),
      ],
      (to) => [
        node('Split', [pick(), 'parts'], [`${to}p`, `${to}q`], { axis: 1 }),
        node('Concat', [`${to}q`, `${to}p`], [to], { axis: 1 }),
      ],
    ];
    for (let i = 0; i < 14; i++) {
      nodes.push(...makers[next.below(makers.length)]!(`v${i}`));
      values.push(`v${i}`);
    }
    const bytes = modelBytes(
      {
        input: [info('x', [1, 4, 5, 5])],
        output: [info('v13', null), info('v9', null)],
        initializer: [
          floats('w', [4, 4, 1, 1], noise(16, round, 0.3)),
          tensor('c', [4, 1, 1]),
          floats('m', [5, 5], noise(25, round, 0.3)),
          ints('axes', [next.below(3) + 1]),
          ints('parts', [1, 3]),
        ],
        node: nodes,
      },
      { opset: 18 },
    );
    const laid = await layOut(bytes, { weights: round % 2 === 0 ? 'count' : 'bytes' });
    assert.ok(laid.difference <= 1e-5, `round ${round}: ${laid.difference}`);
  }
});

x('2,000 nodes take no quadratic time', async () => {
  const nodes: NodeProto[] = [];
  let at = 'x';
  for (let i = 0; i < 400; i++) {
    nodes.push(
      node('Conv', [at, 'w'], [`a${i}`]),
      node('Relu', [`a${i}`], [`b${i}`]),
      node('MatMul', [`b${i}`, 'm'], [`c${i}`]),
      node('Sigmoid', [`c${i}`], [`d${i}`]),
      node('Add', [`d${i}`, at], [`e${i}`]),
    );
    at = `e${i}`;
  }
  const bytes = modelBytes({
    input: [info('x', [1, 4, 5, 5])],
    output: [info(at, null)],
    initializer: [tensor('w', [4, 4, 1, 1]), tensor('m', [5, 5])],
    node: nodes,
  });
  // A bound that only quadratic work would break: how long it takes is for the benchmark to say.
  const model = await readModel(bytes);
  const start = performance.now();
  assignLayout(model, channelsLast);
  const ms = performance.now() - start;
  assert.ok(ms < 5000, `${ms} ms`);
});

x.run();
