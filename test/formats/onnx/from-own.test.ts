import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import { clone } from '../../../src/ir/clone.ts';
import { allNodes } from '../../../src/ir/index.ts';
import { optimize } from '../../../src/runtime/optimize.ts';
import { floats, info, modelBytes, node, noise } from '../../build-model.ts';
import { runModel } from '../../ort.ts';

const x = suite('ONNX of a model in other terms');

type Graph = Parameters<typeof modelBytes>[0];

const image: Graph = {
  input: [info('x', [1, 3, 8, 8])],
  output: [info('y', null), info('z', null)],
  initializer: [
    floats('w', [4, 3, 3, 3], noise(108, 1, 0.3)),
    floats('b', [4], noise(4, 2)),
    floats('v', [4, 4, 1, 1], noise(16, 3, 0.4)),
    floats('u', [4, 2, 2, 2], noise(32, 4, 0.4)),
    floats('low', [], [-0.5]),
    floats('high', [], [0.75]),
  ],
  node: [
    node('Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1] }),
    node('Clip', ['c', 'low', 'high'], ['a']),
    node('Conv', ['a', 'v'], ['d']),
    node('Add', ['d', 'a'], ['s']),
    node('LeakyRelu', ['s'], ['l'], { alpha: { f: 0.2 } }),
    node('MaxPool', ['l'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
    node('ConvTranspose', ['p', 'u'], ['t'], { strides: [2, 2] }),
    node('Sigmoid', ['t'], ['g']),
    node('Mul', ['t', 'g'], ['y']),
    node('GlobalAveragePool', ['p'], ['z']),
  ],
};

const products: Graph = {
  input: [info('x', [2, 5]), info('r', [2, 3, 5])],
  output: [info('y', null), info('z', null)],
  initializer: [
    floats('w', [4, 5], noise(20, 5)),
    floats('b', [4], noise(4, 6)),
    floats('v', [5, 4], noise(20, 7)),
    floats('scale', [], [0.35]),
  ],
  node: [
    node('Gemm', ['x', 'w', 'b'], ['g'], { transB: 1, alpha: { f: 0.7 } }),
    node('Tanh', ['g'], ['y']),
    node('MatMul', ['r', 'v'], ['m']),
    node('Mul', ['m', 'scale'], ['f']),
    node('Add', ['f', 'b'], ['a']),
    node('Elu', ['a'], ['z']),
  ],
};

x('what sessions run, as onnxruntime sees it', async () => {
  const feeds = {
    x: new Tensor('float32', noise(192, 9), [1, 3, 8, 8]),
  };
  const more = {
    x: new Tensor('float32', noise(10, 10), [2, 5]),
    r: new Tensor('float32', noise(30, 11), [2, 3, 5]),
  };
  for (const [graph, given] of [
    [image, feeds],
    [products, more],
  ] as const) {
    const bytes = modelBytes(graph);
    const model = clone(await readModel(bytes));
    optimize(model);
    const own = [...allNodes(model.graph)].filter(({ domain }) => domain === 'mp');
    assert.ok(own.length > 1);
    const [before, after] = [
      await runModel(bytes, given),
      await runModel(await writeModel(model), given),
    ];
    for (const [name, tensor] of Object.entries(before)) {
      const other = after[name]!;
      assert.equal(other.dims, tensor.dims);
      const [a, b] = [tensor.data as Float32Array, other.data as Float32Array];
      const most = a.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      a.forEach((value, i) => {
        assert.ok(Math.abs(value - b[i]!) <= 1e-6 * most, `${name} ${value} ${b[i]}`);
      });
    }
  }
});

x.run();
