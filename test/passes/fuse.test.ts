import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { GraphProto } from '../../src/formats/onnx/proto.ts';
import {
  type Attribute,
  allNodes,
  Builder,
  clone,
  constantOfTensor,
  Model,
  print,
  tensorType,
  verify,
} from '../../src/ir/index.ts';
import { activationOf, ops } from '../../src/ops/index.ts';
import { fuseForRuntime, optimizeForRuntime } from '../../src/passes/optimize.ts';
import { operatorOf } from '../../src/passes/rule.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import { createSession } from '../../src/runtime/session.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';

const x = suite('fuse');

interface Case {
  name: string;
  graph: GraphProto;
  left: string[];
  why?: RegExp;
}

const input = info('x', [2, 3, 8]);
const y = info('y', null);
const w = floats('w', [8, 8], noise(64, 1));
const row = floats('row', [8], noise(8, 3));
const scalar = (name: string, value: number) => floats(name, [], [value]);

const activations: [string, string[], Record<string, { f: number } | string>, string][] = [
  ['Relu', [], {}, 'Relu'],
  ['Clip', ['low', 'high'], {}, 'Clip'],
  ['Clip', ['', 'high'], {}, 'Clip'],
  ['LeakyRelu', [], { alpha: { f: 0.2 } }, 'LeakyRelu'],
  ['HardSwish', [], {}, 'HardSwish'],
  ['HardSigmoid', [], { alpha: { f: 0.25 } }, 'HardSigmoid'],
  ['Sigmoid', [], {}, 'Sigmoid'],
  ['Tanh', [], {}, 'Tanh'],
  ['Gelu', [], {}, 'Gelu'],
  ['Gelu', [], { approximate: 'tanh' }, 'GeluTanh'],
  ['Elu', [], { alpha: { f: 0.5 } }, 'Elu'],
  ['Softplus', [], {}, 'Softplus'],
  ['Mish', [], {}, 'Mish'],
];

const cases: Case[] = [
  ...activations.map(([op, operands, attributes, kind]) => ({
    name: `${kind} goes into the product before it`,
    graph: {
      node: [node('MatMul', ['x', 'w'], ['a']), node(op, ['a', ...operands], ['y'], attributes)],
      initializer: [w, scalar('low', -1), scalar('high', 0.5)],
      input: [input],
      output: [y],
    },
    left: [`mp.MatMul ${kind}`],
  })),
  {
    name: 'Swish goes into the sum before it',
    graph: {
      node: [
        node('Add', ['x', 'row'], ['a']),
        node('Sigmoid', ['a'], ['b']),
        node('Mul', ['a', 'b'], ['y']),
      ],
      initializer: [row],
      input: [input],
      output: [y],
    },
    left: ['mp.Add Silu'],
  },
  {
    name: 'an activation stays where the result before it has another reader',
    graph: {
      node: [node('MatMul', ['x', 'w'], ['z']), node('Relu', ['z'], ['y'])],
      initializer: [w],
      input: [input],
      output: [y, info('z', null)],
    },
    left: ['MatMul', 'Relu'],
    why: /another reader/,
  },
  {
    name: 'a second activation stays',
    graph: {
      node: [
        node('Mul', ['x', 'row'], ['a']),
        node('Relu', ['a'], ['b']),
        node('Tanh', ['b'], ['y']),
      ],
      initializer: [row],
      input: [input],
      output: [y],
    },
    left: ['mp.Mul Relu', 'Tanh'],
    why: /has an activation/,
  },
  {
    name: 'limits that are computed stay',
    graph: {
      node: [
        node('Mul', ['x', 'row'], ['a']),
        node('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
        node('Clip', ['a', 'low', 'most'], ['y']),
      ],
      initializer: [row, scalar('low', -1)],
      input: [input],
      output: [y],
    },
    left: ['Mul', 'ReduceMax', 'Clip'],
    why: /limits are computed/,
  },
  {
    name: 'a bias, a factor and a transposed operand go into a product',
    graph: {
      node: [
        node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
        node('MatMul', ['x', 't'], ['scores']),
        node('Div', ['scores', 'root'], ['scaled']),
        node('Softmax', ['scaled'], ['p'], { axis: -1 }),
        node('MatMul', ['p', 'x'], ['o']),
        node('MatMul', ['o', 'w'], ['q']),
        node('Add', ['row', 'q'], ['y']),
      ],
      initializer: [w, row, scalar('root', Math.sqrt(8))],
      input: [input],
      output: [y],
    },
    left: ['mp.MatMul', 'Softmax', 'MatMul', 'mp.MatMul'],
  },
  {
    name: 'a factor of an operand goes into the product, but not one that others read',
    graph: {
      node: [
        node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
        node('Mul', ['x', 'root'], ['a']),
        node('MatMul', ['a', 't'], ['b']),
        node('Mul', ['b', 'two'], ['c']),
        node('Mul', ['x', 'two'], ['d']),
        node('MatMul', ['c', 'd'], ['y']),
        node('Neg', ['d'], ['z']),
      ],
      initializer: [scalar('root', 0.3), scalar('two', 2)],
      input: [input],
      output: [y, info('z', null)],
    },
    left: ['mp.MatMul', 'Mul', 'MatMul', 'Neg'],
    why: /what is scaled has another reader/,
  },
  {
    name: 'a sum with one number a row stays',
    graph: {
      node: [node('MatMul', ['x', 'w'], ['a']), node('Add', ['a', 'column'], ['y'])],
      initializer: [w, floats('column', [3, 1], noise(3, 4))],
      input: [input],
      output: [y],
    },
    left: ['MatMul', 'Add'],
    why: /one number a column/,
  },
  {
    name: 'Gemm with an activation is a product of its own',
    graph: {
      node: [
        node('Gemm', ['x', 'w', 'row'], ['a'], {
          alpha: { f: 0.5 },
          beta: { f: 2 },
          transB: 1,
        }),
        node('Relu', ['a'], ['y']),
      ],
      initializer: [w, row],
      input: [info('x', [4, 8])],
      output: [y],
    },
    left: ['mp.MatMul Relu'],
  },
];

const operators = (model: Model): string[] =>
  [...allNodes(model.graph)].map((item) => {
    const { kind } = activationOf(item);
    return kind === 'none' ? operatorOf(item) : `${operatorOf(item)} ${kind}`;
  });

for (const { name, graph, left, why } of cases) {
  x(name, async () => {
    const bytes = modelBytes(graph, { opset: 22 });
    const model = await readModel(bytes);
    const fused = clone(model);
    optimizeForRuntime(fused, { ops, evaluate: evaluateNode, check: verify });
    const { refused } = fuseForRuntime(fused, { ops, check: verify });
    assert.equal(operators(fused), left);
    if (why !== undefined) assert.match(refused.map((item) => item.why).join('\n'), why);
    const dims = graph.input![0]!.type!.tensorType!.shape!.dim!.map(({ dimValue }) =>
      Number(dimValue),
    );
    const feeds = {
      x: new Tensor(
        'float32',
        noise(
          dims.reduce((a, b) => a * b),
          9,
        ),
        dims,
      ),
    };
    const expected = await runModel(bytes, feeds);
    const session = createSession(fused);
    const actual = session.run(feeds);
    session.dispose();
    for (const [key, tensor] of Object.entries(expected)) near(actual[key] as Tensor, tensor);
  });
}

function near(actual: Tensor, expected: Tensor): void {
  assert.equal(actual.dims, expected.dims);
  const [a, b] = [actual.data as Float32Array, expected.data as Float32Array];
  const most = b.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30);
  b.forEach((value, i) => {
    assert.ok(Math.abs(value - a[i]!) <= 2e-6 * most, `${value} and ${a[i]}`);
  });
}

/** [n, c, h, w] ↔ [n, h, w, c] */
function turn(tensor: Tensor, toLast: boolean): Tensor {
  const [n, a, b, c] = tensor.dims as [number, number, number, number];
  const data = tensor.data as Float32Array;
  const result = new Float32Array(data.length);
  const [channels, places] = toLast ? [a, b * c] : [c, a * b];
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < places; place++) {
        const first = (image * channels + channel) * places + place;
        const last = (image * places + place) * channels + channel;
        if (toLast) result[last] = data[first]!;
        else result[first] = data[last]!;
      }
    }
  }
  return new Tensor('float32', result, toLast ? [n, b, c, a] : [n, c, a, b]);
}

x('a residual block with channels last is two convolutions', async () => {
  const weights = [noise(4 * 4 * 9, 1), noise(4 * 4 * 9, 2)];
  const model = new Model();
  const b = new Builder(model.graph);
  const type = tensorType('float32', [1, 6, 5, 4]);
  const source = b.input('x', type);
  const pads: [string, Attribute][] = [['pads', { type: 'ints', value: [1, 1, 1, 1] }]];
  const conv = (from: typeof source, at: number) => {
    const tensor = new Tensor('float32', weights[at]!, [4, 4, 3, 3]);
    const weight = b.constant(`w${at}`, constantOfTensor(tensor));
    const spec = { op: 'Conv', domain: 'mp', inputs: [from, weight], attributes: pads };
    return b.node(spec, [`c${at}`]).outputs[0]!;
  };
  const relu = (from: typeof source, name: string) =>
    b.node({ op: 'Relu', inputs: [from] }, [name]).outputs[0]!;
  const sum = b.node({ op: 'Add', inputs: [source, conv(relu(conv(source, 0), 'r'), 1)] }, ['s']);
  b.output(relu(sum.outputs[0]!, 'y'));
  verify(model);
  fuseForRuntime(model, { ops, check: verify });
  assert.equal(operators(model), ['mp.Conv Relu', 'mp.Conv Relu']);
  assert.match(print(model.graph), /mp\.Conv\(r, w1, _, x\)/);

  const bytes = modelBytes({
    node: [
      node('Conv', ['x', 'w0'], ['a'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['a'], ['r']),
      node('Conv', ['r', 'w1'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Add', ['x', 'c'], ['s']),
      node('Relu', ['s'], ['y']),
    ],
    initializer: weights.map((data, i) => floats(`w${i}`, [4, 4, 3, 3], data)),
    input: [info('x', [1, 4, 6, 5])],
    output: [y],
  });
  const feed = new Tensor('float32', noise(120, 7), [1, 4, 6, 5]);
  const expected = await runModel(bytes, { x: feed });
  const session = createSession(model);
  const actual = session.run({ x: turn(feed, true) });
  session.dispose();
  near(turn(actual.y as Tensor, false), expected.y!);
});

x('a sum of another shape, or quantized, stays beside the convolution', () => {
  for (const isQuantized of [false, true]) {
    const model = new Model();
    const b = new Builder(model.graph);
    const source = b.input('x', tensorType('float32', [1, 6, 5, 4]));
    const other = b.input('o', tensorType('float32', [1, 6, 5, isQuantized ? 4 : 1]));
    const tensor = new Tensor('float32', noise(16, 1), [4, 4, 1, 1]);
    const weight = b.constant('w', constantOfTensor(tensor));
    const conv = b.node({ op: 'Conv', domain: 'mp', inputs: [source, weight] }, ['c']);
    const sum = b.node({ op: 'Add', inputs: [conv.outputs[0]!, other] }, ['s']);
    b.output(sum.outputs[0]!);
    if (isQuantized) {
      const scale = Float32Array.of(0.1);
      conv.outputs[0]!.quantization = {
        storage: 'int8',
        view: null,
        scale,
        zeroPoint: null,
        axis: null,
        blockSize: null,
      };
    }
    const { refused } = fuseForRuntime(model, { ops, check: verify });
    assert.equal(operators(model), ['mp.Conv', 'Add']);
    assert.is(refused.length, 1);
  }
});

x.run();
