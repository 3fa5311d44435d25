import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../../src/core/dtype.ts';
import { UnsupportedError } from '../../../src/core/errors.ts';
import {
  type AdaptContext,
  adapters,
  adaptUp,
  breaks,
  type Form,
} from '../../../src/formats/onnx/adapt/index.ts';
import { int64Constant, smallValues } from '../../../src/ir/index.ts';
import {
  type Case,
  float,
  floatConstant,
  int,
  ints,
  type Raised,
  raise,
  string,
} from './adapt-case.ts';
import { numeric } from './adapt-numeric.ts';

const adapt = suite('opset adapters, row by row');

/** Numbers of the attributes and constants of one raised node, for structural checks. */
function plain({ forms, constants }: Raised): unknown[] {
  return forms.map((form) => ({
    op: form.op,
    attributes: Object.fromEntries([...form.attributes].map(([name, { value }]) => [name, value])),
    inputs: form.inputs.map((name) => {
      const constant = name === null ? undefined : constants[name];
      return constant === undefined || /^x\d/.test(name!) ? name : smallValues(constant);
    }),
  }));
}

/** Older than any runtime at hand: the rules of the specification's change log, by hand. */
const legacy: [Case, unknown[]][] = [
  [
    {
      op: 'Add',
      from: 6,
      to: 7,
      attributes: { broadcast: int(1), axis: int(1) },
      inputs: [[2, 3, 4, 5], [3]],
    },
    [
      { op: 'Unsqueeze', attributes: { axes: [1, 2] }, inputs: ['x1'] },
      { op: 'Add', attributes: {}, inputs: ['x0', 'broadcast_0'] },
    ],
  ],
  [
    {
      op: 'Mul',
      from: 6,
      to: 13,
      attributes: { broadcast: int(1), axis: int(-2) },
      inputs: [[2, 3, 4], [3]],
    },
    [
      { op: 'Unsqueeze', attributes: {}, inputs: ['x1', [1]] },
      { op: 'Mul', attributes: {}, inputs: ['x0', 'broadcast_0'] },
    ],
  ],
  ...['Sub', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'].map(
    (op): [Case, unknown[]] => [
      {
        op,
        from: 1,
        to: 7,
        attributes: { broadcast: int(1), consumed_inputs: ints(0, 0) },
        inputs: [[2, 3], [3]],
      },
      [
        {
          op,
          attributes: ['Sub', 'Div'].includes(op) ? {} : { consumed_inputs: [0, 0] },
          inputs: ['x0', 'x1'],
        },
      ],
    ],
  ),
  [
    { op: 'PRelu', from: 6, to: 9, inputs: [[1, 3, 4, 4], [3]] },
    [
      { op: 'Unsqueeze', attributes: { axes: [1, 2] }, inputs: ['x1'] },
      { op: 'PRelu', attributes: {}, inputs: ['x0', 'slope_0'] },
    ],
  ],
  [
    { op: 'PRelu', from: 6, to: 9, inputs: [[1, 3], [3]] },
    [{ op: 'PRelu', attributes: {}, inputs: ['x0', 'x1'] }],
  ],
  [
    {
      op: 'Gemm',
      from: 6,
      to: 7,
      attributes: { broadcast: int(1) },
      inputs: [[2, 3], [3, 4], [4]],
    },
    [{ op: 'Gemm', attributes: {}, inputs: ['x0', 'x1', 'x2'] }],
  ],
  [
    { op: 'Reshape', from: 1, to: 5, attributes: { shape: ints(0, -1) }, inputs: [[2, 3, 4]] },
    [{ op: 'Reshape', attributes: {}, inputs: ['x0', [0, -1]] }],
  ],
  [
    { op: 'Relu', from: 1, to: 14, attributes: { consumed_inputs: ints(0) }, inputs: [[2]] },
    [{ op: 'Relu', attributes: {}, inputs: ['x0'] }],
  ],
  [
    { op: 'Selu', from: 1, to: 6, inputs: [[2]] },
    [{ op: 'Selu', attributes: { alpha: 1.6732, gamma: 1.0507 }, inputs: ['x0'] }],
  ],
  [
    {
      op: 'Concat',
      from: 1,
      to: 4,
      inputs: [
        [2, 3],
        [2, 3],
      ],
    },
    [{ op: 'Concat', attributes: { axis: 1 }, inputs: ['x0', 'x1'] }],
  ],
  [
    { op: 'Pad', from: 1, to: 2, attributes: { paddings: ints(0, 1) }, inputs: [[2]] },
    [{ op: 'Pad', attributes: { pads: [0, 1] }, inputs: ['x0'] }],
  ],
  [
    { op: 'Split', from: 1, to: 2, inputs: [[4], int64Constant([1, 3])] },
    [{ op: 'Split', attributes: { split: [1, 3] }, inputs: ['x0'] }],
  ],
  [
    { op: 'LpPool', from: 1, to: 2, attributes: { p: float(2) }, inputs: [[1, 1, 4]] },
    [{ op: 'LpPool', attributes: { p: 2 }, inputs: ['x0'] }],
  ],
  [
    { op: 'GlobalLpPool', from: 1, to: 2, attributes: { p: float(3) }, inputs: [[1, 1, 4]] },
    [{ op: 'GlobalLpPool', attributes: { p: 3 }, inputs: ['x0'] }],
  ],
  [
    {
      op: 'GRU',
      from: 1,
      to: 7,
      attributes: { direction: string('foward'), output_sequence: int(1) },
      inputs: [[1, 1, 1]],
    },
    [{ op: 'GRU', attributes: {}, inputs: ['x0'] }],
  ],
  ...['RNN', 'LSTM'].map((op): [Case, unknown[]] => [
    { op, from: 1, to: 7, attributes: { output_sequence: int(1) }, inputs: [[1, 1, 1]] },
    [{ op, attributes: {}, inputs: ['x0'] }],
  ]),
  [
    { op: 'Cast', from: 1, to: 6, attributes: { to: string('FLOAT16') }, inputs: [[2]] },
    [{ op: 'Cast', attributes: { to: 10 }, inputs: ['x0'] }],
  ],
  [
    { op: 'Tile', from: 1, to: 6, inputs: [[2, 3], floatConstant([1], 4), floatConstant([1], 1)] },
    [{ op: 'Tile', attributes: {}, inputs: ['x0', [1, 4]] }],
  ],
  [
    { op: 'Dropout', from: 6, to: 7, attributes: { is_test: int(1) }, inputs: [[2]] },
    [{ op: 'Dropout', attributes: {}, inputs: ['x0'] }],
  ],
  [
    { op: 'BatchNormalization', from: 6, to: 7, attributes: { is_test: int(1) }, inputs: [[2]] },
    [{ op: 'BatchNormalization', attributes: {}, inputs: ['x0'] }],
  ],
  [
    {
      op: 'Upsample',
      from: 1,
      to: 7,
      attributes: { height_scale: float(2), width_scale: float(3) },
      inputs: [[1, 1, 2, 2]],
    },
    [{ op: 'Upsample', attributes: { scales: [1, 1, 2, 3] }, inputs: ['x0'] }],
  ],
  [
    { op: 'Dropout', from: 7, to: 10, inputs: [[2]], outputs: ['float32', 'float32'] },
    [
      { op: 'Dropout', attributes: {}, inputs: ['x0'] },
      { op: 'Cast', attributes: { to: 1 }, inputs: ['mask_0'] },
    ],
  ],
  [
    { op: 'ReduceLogSum', from: 13, to: 18, attributes: { axes: ints(1) }, inputs: [[2, 3]] },
    [{ op: 'ReduceLogSum', attributes: {}, inputs: ['x0', [1]] }],
  ],
];
for (const [c, expected] of legacy) {
  adapt(`${c.op} ${c.from} → ${c.to}: by the specification`, () => {
    assert.equal(plain(raise(c)), expected);
  });
}

adapt('every drop of consumed_inputs', () => {
  for (const { op } of adapters.filter(({ since }) => since === 6)) {
    if (op === 'Cast' || op === 'Tile' || op === 'Selu') continue;
    const [form] = raise({
      op,
      from: 1,
      to: 6,
      attributes: { consumed_inputs: ints(0) },
      inputs: [[2]],
    }).forms;
    assert.is(form!.attributes.size, 0, op);
  }
});

adapt('BatchNormalization whose further outputs have no name infers', () => {
  const outputs = new Array<DType>(5).fill('float32');
  const { forms } = raise({
    op: 'BatchNormalization',
    from: 9,
    to: 14,
    inputs: bn,
    outputs,
    used: 1,
  });
  assert.is(forms[0]!.attributes.size, 0);
  assert.equal(forms[0]!.outputs, ['y0']);
});

adapt('BatchNormalization that names its running statistics trains', () => {
  const outputs = new Array<DType>(5).fill('float32');
  const { forms } = raise({
    op: 'BatchNormalization',
    from: 9,
    to: 14,
    inputs: bn,
    outputs,
    used: 3,
  });
  assert.equal(forms[0]!.attributes.get('training_mode'), int(1));
  assert.equal(forms[0]!.outputs, ['y0', 'y1', 'y2']);
});

const bn = [[1, 2, 3], [2], [2], [2], [2]];
const impossible: [string, Case][] = [
  ['Scan', { op: 'Scan', from: 8, to: 9, inputs: [[2]] }],
  [
    'BatchNormalization',
    {
      op: 'BatchNormalization',
      from: 9,
      to: 14,
      inputs: bn,
      outputs: new Array<DType>(5).fill('float32'),
    },
  ],
  ['Tile', { op: 'Tile', from: 1, to: 6, inputs: [[2, 3], [1], [1]] }],
  ['LpPool', { op: 'LpPool', from: 1, to: 2, attributes: { p: float(1.5) }, inputs: [[1, 1, 4]] }],
  ['Cast', { op: 'Cast', from: 1, to: 6, attributes: { to: string('QUATERNION') }, inputs: [[2]] }],
  [
    'Resize',
    { op: 'Resize', from: 10, to: 11, inputs: [[1, 1, 2, 2], floatConstant([4], 1, 1, 2, 0.5)] },
  ],
];
for (const [op, c] of impossible) {
  adapt(`${op} ${c.from} → ${c.to} that has no equivalent says so`, () => {
    try {
      raise(c);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UnsupportedError);
      assert.match((error as Error).message, op);
      assert.ok((error as UnsupportedError).hint);
    }
  });
}

adapt('a node without an edge between is the same object; other domains pass', () => {
  const { forms, original } = raise({ op: 'Relu', from: 7, to: 27, inputs: [[2]] });
  assert.is(forms[0], original);
  assert.not(breaks('Relu', 7, 27));
  assert.not(breaks('Softmax', 13, 27));
  assert.ok(breaks('Softmax', 12, 13));
  const foreign: Form<string> = {
    op: 'Softmax',
    domain: 'x',
    attributes: new Map(),
    inputs: ['a'],
    outputs: ['b'],
  };
  const context = {} as AdaptContext<string>;
  assert.is(adaptUp(foreign, 1, 27, context)[0], foreign);
});

adapt('every row is crossed by a case', () => {
  const cases: { op: string; from: number; to: number }[] = [
    ...numeric,
    ...legacy.map(([c]) => c),
    ...impossible.map(([, c]) => c),
    // Compared with hand-made numbers beside the numeric cases.
    { op: 'GroupNormalization', from: 18, to: 21 },
  ];
  const missing = adapters.filter(
    // The drops of consumed_inputs have a test of their own.
    ({ op, since }) =>
      since !== 6 && !cases.some((c) => c.op === op && c.from < since && since <= c.to),
  );
  assert.equal(
    missing.map(({ op, since }) => `${op} ${since}`),
    [],
  );
});

adapt.run();
