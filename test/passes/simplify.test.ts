import { floats, info, ints, node } from '../build-model.ts';
import { type Case, runCases } from './rewrite.ts';

const image = info('x', [1, 4, 6, 6]);
const y = info('y', null);
const scalar = (name: string, value: number) => floats(name, [], [value]);

const cases: Case[] = [
  {
    name: 'Identity and Dropout go',
    graph: {
      node: [
        node('Identity', ['x'], ['a']),
        node('Relu', ['a'], ['b']),
        node('Dropout', ['b'], ['c']),
        node('Neg', ['c'], ['y']),
      ],
      input: [image],
      output: [y],
    },
    left: ['Relu', 'Neg'],
    rule: 'no-op',
  },
  {
    name: 'an Identity between an input and an output stays',
    graph: { node: [node('Identity', ['x'], ['y'])], input: [image], output: [y] },
    left: ['Identity'],
    why: /output of the graph/,
  },
  {
    name: 'an Identity between two outputs stays',
    graph: {
      node: [node('Relu', ['x'], ['z']), node('Identity', ['z'], ['y'])],
      input: [image],
      output: [y, info('z', null)],
    },
    left: ['Relu', 'Identity'],
    why: /both needed by name/,
  },
  {
    name: 'an output takes over the name of the node that goes',
    graph: {
      node: [node('Relu', ['x'], ['a']), node('Identity', ['a'], ['y']), node('Neg', ['a'], ['z'])],
      input: [image],
      output: [y, info('z', null)],
    },
    left: ['Relu', 'Neg'],
  },
  {
    name: 'sums with 0 and products with 1 go, whatever side the constant is on',
    graph: {
      node: [
        node('Add', ['x', 'zero'], ['a']),
        node('Mul', ['one', 'a'], ['b']),
        node('Div', ['b', 'one'], ['c']),
        node('Relu', ['c'], ['y']),
      ],
      initializer: [scalar('zero', 0), scalar('one', 1)],
      input: [image],
      output: [y],
    },
    left: ['Relu'],
  },
  {
    name: 'a sum with 0 that spreads its operand stays',
    graph: {
      node: [node('Add', ['x', 'zero'], ['y'])],
      initializer: [floats('zero', [5, 1, 1, 1, 1], new Float32Array(5))],
      input: [image],
      output: [y],
    },
    left: ['Add'],
  },
  {
    name: 'Slice, Pad, Tile, Expand, Transpose and Concat that do nothing go',
    graph: {
      node: [
        node('Slice', ['x', 'zero', 'most', 'zero'], ['a']),
        node('Pad', ['a', 'pads'], ['b']),
        node('Tile', ['b', 'ones'], ['c']),
        node('Expand', ['c', 'ones'], ['d']),
        node('Transpose', ['d'], ['e'], { perm: [0, 1, 2, 3] }),
        node('Concat', ['e'], ['f'], { axis: 1 }),
        node('Relu', ['f'], ['y']),
      ],
      initializer: [
        ints('zero', [0]),
        ints('most', [1000]),
        ints('pads', [0, 0, 0, 0, 0, 0, 0, 0]),
        ints('ones', [1, 1, 1, 1]),
      ],
      input: [image],
      output: [y],
    },
    left: ['Relu'],
  },
  {
    name: 'a Slice that turns an axis around stays',
    graph: {
      node: [node('Slice', ['x', 'from', 'to', 'axis', 'step'], ['a']), node('Relu', ['a'], ['y'])],
      initializer: [ints('from', [-1]), ints('to', [-100]), ints('axis', [2]), ints('step', [-1])],
      input: [image],
      output: [y],
    },
    left: ['Slice', 'Relu'],
  },
  {
    name: 'a Cast to the same type goes, one to a wider type and on is one',
    graph: {
      node: [
        node('Cast', ['x'], ['a'], { to: 1 }),
        node('Cast', ['a'], ['b'], { to: 11 }),
        node('Cast', ['b'], ['y'], { to: 7 }),
      ],
      input: [image],
      output: [info('y', null, 7)],
    },
    left: ['Cast'],
    rule: 'cast-of-cast',
  },
  {
    name: 'a Cast to a narrower type and back stays',
    graph: {
      node: [node('Cast', ['x'], ['a'], { to: 6 }), node('Cast', ['a'], ['y'], { to: 1 })],
      input: [image],
      output: [y],
    },
    left: ['Cast', 'Cast'],
    why: /does not hold every number/,
  },
  {
    name: 'Transposes, and Reshapes of any kind, are one each',
    graph: {
      node: [
        node('Transpose', ['x'], ['a'], { perm: [0, 2, 3, 1] }),
        node('Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3] }),
        node('Flatten', ['b'], ['c']),
        node('Unsqueeze', ['c', 'axis'], ['d']),
        node('Reshape', ['d', 'shape'], ['e']),
        node('Relu', ['e'], ['y']),
      ],
      initializer: [ints('axis', [1]), ints('shape', [12, -1])],
      input: [image],
      output: [y],
    },
    left: ['Transpose', 'Reshape', 'Relu'],
    rule: 'reshape-chain',
  },
  {
    name: 'a Transpose and its inverse go',
    graph: {
      node: [
        node('Transpose', ['x'], ['a'], { perm: [0, 2, 3, 1] }),
        node('Transpose', ['a'], ['b'], { perm: [0, 3, 1, 2] }),
        node('Relu', ['b'], ['y']),
      ],
      input: [image],
      output: [y],
    },
    left: ['Relu'],
  },
  {
    name: 'a Transpose of axes of size 1 is a Reshape',
    graph: {
      node: [node('Transpose', ['x'], ['y'], { perm: [0, 2, 3, 1] })],
      input: [info('x', ['n', 1, 6, 6])],
      output: [y],
    },
    left: ['Reshape'],
    sizes: { n: 3 },
    rule: 'idle-transpose',
  },
  {
    name: 'a Reshape to a shape that is computed has a constant one',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Concat', ['n', 'rest'], ['shape'], { axis: 0 }),
        node('Reshape', ['x', 'shape'], ['y']),
      ],
      initializer: [ints('zero', [0]), ints('rest', [12, -1])],
      input: [info('x', ['n', 4, 6, 6])],
      output: [y],
    },
    left: ['Reshape'],
    sizes: { n: 2 },
    rule: 'known-target',
  },
  {
    name: 'sizes that are kept are copied where two are open',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Gather', ['s', 'two'], ['l']),
        node('Mul', ['l', 'two'], ['m']),
        node('Concat', ['n', 'm', 'rest'], ['shape'], { axis: 0 }),
        node('Reshape', ['x', 'shape'], ['y']),
      ],
      initializer: [ints('zero', [0]), ints('two', [2]), ints('rest', [2])],
      input: [info('x', ['n', 4, 'l'])],
      output: [y],
    },
    left: ['Reshape'],
    sizes: { n: 2, l: 5 },
  },
  {
    name: 'a Reshape to two open sizes stays',
    graph: {
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'turned'], ['shape']),
        node('Reshape', ['x', 'shape'], ['y']),
      ],
      initializer: [ints('turned', [2, 1, 0])],
      input: [info('x', ['n', 4, 'l'])],
      output: [y],
    },
    left: ['Shape', 'Gather', 'Reshape'],
    sizes: { n: 2, l: 5 },
    why: /more than one size/,
  },
];

runCases('simplify', cases);
