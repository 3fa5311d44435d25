import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { encodeToBytes } from '../../src/formats/onnx/codec.ts';
import type { FunctionProto, NodeProto, ValueInfoProto } from '../../src/formats/onnx/proto.ts';
import { createSession } from '../../src/runtime/session.ts';
import { runModel } from '../ort.ts';
import { difference } from './conformance.ts';

/** Models with functions of their own, against onnxruntime-node. */

const functions = suite('functions of a model');

const opset = [{ domain: '', version: 17 }];
const info = (name: string): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }, { dimValue: 3 }] } } },
});
const node = (
  opType: string,
  input: string[],
  output: string[],
  more: NodeProto = {},
): NodeProto => ({
  opType,
  input,
  output,
  ...more,
});

/** alpha · LeakyRelu(x) + y, twice over by a function of its own; and x itself. */
const own: FunctionProto[] = [
  {
    name: 'outer',
    domain: 'local',
    input: ['a', 'b'],
    output: ['twice', 'copy'],
    attribute: ['slope'],
    attributeProto: [{ name: 'gain', type: 1, f: 3 }],
    opsetImport: [...opset, { domain: 'local', version: 1 }],
    node: [
      node('LeakyRelu', ['a'], ['t'], {
        attribute: [{ name: 'alpha', type: 1, refAttrName: 'slope' }],
      }),
      node('Constant', [], ['g'], {
        attribute: [{ name: 'value_float', type: 1, refAttrName: 'gain' }],
      }),
      node('Identity', ['a'], ['copy']),
      node('Mul', ['t', 'g'], ['s']),
      node('inner', ['s', 'b'], ['u'], { domain: 'local' }),
      node('inner', ['u', 's'], ['twice'], { domain: 'local' }),
    ],
  },
  {
    name: 'inner',
    domain: 'local',
    input: ['a', 'b'],
    output: ['c'],
    // Axes of ReduceMax were an attribute then.
    opsetImport: opset,
    node: [
      node('ReduceMax', ['b'], ['top'], {
        attribute: [
          { name: 'axes', type: 7, ints: [1] },
          { name: 'keepdims', type: 2, i: 1 },
        ],
      }),
      node('ReduceSum', ['a'], ['sum'], { attribute: [{ name: 'keepdims', type: 2, i: 0 }] }),
      node('Constant', [], ['zero'], { attribute: [{ name: 'value_float', type: 1, f: 0 }] }),
      node('Greater', ['sum', 'zero'], ['positive']),
      node('If', ['positive'], ['c'], {
        attribute: [
          {
            name: 'then_branch',
            type: 5,
            g: { name: 'then', node: [node('Add', ['a', 'top'], ['r'])], output: [info('r')] },
          },
          {
            name: 'else_branch',
            type: 5,
            g: { name: 'else', node: [node('Sub', ['a', 'top'], ['r'])], output: [info('r')] },
          },
        ],
      }),
    ],
  },
];

function modelWith(list: FunctionProto[], nodes: NodeProto[]): Uint8Array {
  return encodeToBytes('ModelProto', {
    irVersion: 8,
    opsetImport: [...opset, { domain: 'local', version: 1 }],
    graph: {
      name: 'g',
      node: nodes,
      input: [info('x'), info('y')],
      output: [info('z'), info('w')],
    },
    functions: list,
  });
}

const bytes = modelWith(own, [
  node('outer', ['x', 'y'], ['v', 'w0'], {
    domain: 'local',
    attribute: [{ name: 'slope', type: 1, f: 0.25 }],
  }),
  node('outer', ['v', 'w0'], ['z', 'w'], {
    domain: 'local',
    attribute: [
      { name: 'slope', type: 1, f: 0.5 },
      { name: 'gain', type: 1, f: -1 },
    ],
  }),
]);

const feeds = {
  x: new Tensor('float32', [1, -2, 3, -4, 5, -6.5], [2, 3]),
  y: new Tensor('float32', [0.5, 2, -1, 7, -3, 4], [2, 3]),
};

functions('run as onnxruntime runs them, and stay in the file', async () => {
  const expected = await runModel(bytes, feeds);
  const model = await readModel(bytes, { format: 'onnx' });
  const session = createSession(model);
  const got = session.run(feeds);
  session.dispose();
  for (const name of ['z', 'w'])
    assert.is(difference(got[name], expected[name]!, 1e-6), null, name);
  assert.equal(await writeModel(model, { format: 'onnx' }), bytes);
});

functions('that call themselves are refused', async () => {
  const circle: FunctionProto[] = [
    {
      name: 'f',
      domain: 'local',
      input: ['a'],
      output: ['b'],
      opsetImport: opset,
      node: [
        node('f', ['a'], ['c'], { domain: 'local' }),
        node('f', ['c'], ['b'], { domain: 'local' }),
      ],
    },
  ];
  const nodes = [node('f', ['x'], ['z'], { domain: 'local' }), node('Identity', ['y'], ['w'])];
  const model = await readModel(modelWith(circle, nodes), { format: 'onnx' });
  try {
    createSession(model);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FormatError);
    assert.is((error as FormatError).code, 'E_ONNX_FUNCTION');
  }
});

functions.run();
