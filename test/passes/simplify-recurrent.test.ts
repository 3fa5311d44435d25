import type { NodeProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, node, noise } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

/** What PyTorch's exporter makes of `nn.LSTM(4, 6, num_layers=2)`: states of zeros by shape arithmetic, sliced for each
 *  layer, and layers in turn. */
const hidden = 6;

const zeros = (name: string): NodeProto[] => [
  node('Shape', ['x'], [`${name}_shape`]),
  node('Constant', [], [`${name}_at`], { value: ints('at', [1], []) }),
  node('Gather', [`${name}_shape`, `${name}_at`], [`${name}_batch`]),
  node('Constant', [], [`${name}_axes`], { value: ints('axes', [0]) }),
  node('Unsqueeze', [`${name}_batch`, `${name}_axes`], [`${name}_vector`]),
  node('Constant', [], [`${name}_layers`], { value: ints('layers', [2]) }),
  node('Constant', [], [`${name}_hidden`], { value: ints('hidden', [hidden]) }),
  node('Concat', [`${name}_layers`, `${name}_vector`, `${name}_hidden`], [`${name}_sizes`], {
    axis: 0,
  }),
  node('ConstantOfShape', [`${name}_sizes`], [name], { value: floats('zero', [1], [0]) }),
];

const layer = (index: number, input: string): NodeProto[] => [
  ...['h', 'c'].flatMap((state) => [
    node('Constant', [], [`${state}${index}_from`], { value: ints('from', [index]) }),
    node('Constant', [], [`${state}${index}_to`], { value: ints('to', [index + 1]) }),
    node('Constant', [], [`${state}${index}_axis`], { value: ints('axis', [0]) }),
    node(
      'Slice',
      [state, `${state}${index}_from`, `${state}${index}_to`, `${state}${index}_axis`],
      [`${state}${index}`],
    ),
  ]),
  node(
    'LSTM',
    [input, `w${index}`, `r${index}`, `b${index}`, '', `h${index}`, `c${index}`],
    [`raw${index}`, `hn${index}`, `cn${index}`],
    { hidden_size: hidden },
  ),
  node('Constant', [], [`direction${index}`], { value: ints('direction', [1]) }),
  node('Squeeze', [`raw${index}`, `direction${index}`], [`y${index}`]),
];

const weights = [0, 1].flatMap((index) => {
  const inputs = index === 0 ? 4 : hidden;
  return [
    floats(`w${index}`, [1, 4 * hidden, inputs], noise(4 * hidden * inputs, index + 1, 0.3)),
    floats(`r${index}`, [1, 4 * hidden, hidden], noise(4 * hidden * hidden, index + 3, 0.3)),
    floats(`b${index}`, [1, 8 * hidden], noise(8 * hidden, index + 5, 0.3)),
  ];
});

const network = [...zeros('h'), ...zeros('c'), ...layer(0, 'x'), ...layer(1, 'y0')];

const cases: Case[] = [
  {
    name: 'two layers as PyTorch exports them',
    graph: {
      node: [
        ...network,
        node('Concat', ['hn0', 'hn1'], ['hn'], { axis: 0 }),
        node('Concat', ['cn0', 'cn1'], ['cn'], { axis: 0 }),
        node('Identity', ['y1'], ['y']),
      ],
      initializer: weights,
      input: [info('x', ['length', 'batch', 4])],
      output: [info('y', null), info('hn', null), info('cn', null)],
    },
    left: ['LSTM', 'Squeeze', 'LSTM', 'Squeeze', 'Concat', 'Concat'],
    sizes: { length: 5, batch: 3 },
    rule: 'zero-state',
  },
  {
    name: 'a state that is not zero stays',
    graph: {
      node: [
        node('Add', ['zero', 'zero'], ['z']),
        node('LSTM', ['x', 'w0', 'r0', 'b0', '', 'one', 'z'], ['raw'], { hidden_size: hidden }),
        node('Relu', ['raw'], ['y']),
      ],
      initializer: [
        ...weights,
        floats('one', [1, 3, hidden], new Float32Array(3 * hidden).fill(1)),
        floats('zero', [1, 3, hidden], new Float32Array(3 * hidden)),
      ],
      input: [info('x', [5, 3, 4])],
      output: [info('y', null)],
    },
    left: ['LSTM', 'Relu'],
  },
];

runCases('simplify: recurrent', cases);
