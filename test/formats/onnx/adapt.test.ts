import ort from 'onnxruntime-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../../src/core/dtype.ts';
import { UnsupportedError } from '../../../src/core/errors.ts';
import { random } from '../../../src/core/random.ts';
import { bytesOf } from '../../../src/core/tensor.ts';
import {
  type AdaptContext,
  adapters,
  adaptUp,
  breaks,
  type Form,
} from '../../../src/formats/onnx/adapt/index.ts';
import {
  type Attribute,
  type Constant,
  constantOf,
  int64Constant,
  smallValues,
} from '../../../src/ir/index.ts';
import { makeOnnx, type PlainNode } from '../../onnx-model.ts';

const adapt = suite('opset adapters');
ort.env.logLevel = 'fatal';

const int = (value: number): Attribute => ({ type: 'int', value });
const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
const float = (value: number): Attribute => ({ type: 'float', value });
const floats = (...value: number[]): Attribute => ({ type: 'floats', value });
const string = (value: string): Attribute => ({ type: 'string', value });
const floatConstant = (shape: number[], ...values: number[]): Constant =>
  constantOf('float32', shape, bytesOf(Float32Array.from(values)));

interface Case {
  op: string;
  from: number;
  to: number;
  attributes?: Record<string, Attribute>;
  /** Shapes of float inputs, or constants; null for an absent one. */
  inputs: (number[] | Constant | null)[];
  outputs?: DType[];
  /** How many outputs have a name; default all. */
  used?: number;
  /** Operators expected after raising, in order. */
  becomes?: string[];
}

interface Raised {
  nodes: PlainNode[];
  constants: Record<string, Constant>;
  forms: Form<string>[];
  original: Form<string>;
}

function raise(c: Case, to: number = c.to): Raised {
  const constants: Record<string, Constant> = {};
  const ranks: Record<string, number> = {};
  const inputs = c.inputs.map((input, index) => {
    if (input === null) return null;
    const name = `x${index}`;
    if (!Array.isArray(input)) constants[name] = input;
    ranks[name] = Array.isArray(input) ? input.length : input.shape.length;
    return name;
  });
  let count = 0;
  const context: AdaptContext<string> = {
    constant: (constant, hint) => {
      const name = `${hint}_${count++}`;
      constants[name] = constant;
      return name;
    },
    fresh: (hint) => `${hint}_${count++}`,
    rank: (value) => ranks[value] ?? null,
    constantOf: (value) => constants[value] ?? null,
    dtype: () => 'float32',
    isUsed: (value) => value !== '',
  };
  const original: Form<string> = {
    op: c.op,
    domain: '',
    attributes: new Map(Object.entries(c.attributes ?? {})),
    inputs,
    outputs: (c.outputs ?? ['float32']).map((_, index) =>
      index < (c.used ?? 9) ? `y${index}` : '',
    ),
  };
  const forms = adaptUp(original, c.from, to, context);
  const nodes = forms.map((form) => ({ ...form, inputs: form.inputs.map((name) => name ?? '') }));
  return { nodes, constants, forms, original };
}

/** Outputs of onnxruntime, the same inputs for the same shapes. */
async function outputsOf(
  c: Case,
  { nodes, constants }: Raised,
  opset: number,
): Promise<ort.Tensor[]> {
  const inputs: Record<string, readonly [DType, readonly number[]]> = {};
  const feeds: Record<string, ort.Tensor> = {};
  const { uniform } = random(7);
  for (const [index, input] of c.inputs.entries()) {
    if (!Array.isArray(input)) continue;
    inputs[`x${index}`] = ['float32', input];
    const size = input.reduce((a, b) => a * b, 1);
    feeds[`x${index}`] = new ort.Tensor(
      'float32',
      Float32Array.from({ length: size }, () => uniform() * 4 - 2),
      input,
    );
  }
  const outputs = Object.fromEntries(
    (c.outputs ?? ['float32']).slice(0, c.used).map((dtype, index) => [`y${index}`, dtype]),
  );
  const bytes = makeOnnx({ opset, nodes, inputs, outputs, constants });
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const results = await session.run(feeds);
  await session.release();
  return Object.keys(outputs).map((name) => results[name]!);
}

function assertClose(a: ort.Tensor, b: ort.Tensor): void {
  assert.equal(a.dims, b.dims);
  const [x, y] = [
    Array.from(a.data as Float32Array, Number),
    Array.from(b.data as Float32Array, Number),
  ];
  x.forEach((value, index) => {
    assert.ok(
      Math.abs(value - y[index]!) <= 1e-5 * Math.max(1, Math.abs(value)),
      `element ${index}: ${value} and ${y[index]}`,
    );
  });
}

const reduceOps = ['L1', 'L2', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'];
/** Edges where onnxruntime has kernels on both sides. */
const numeric: Case[] = [
  ...[1, 2, -1].map((axis) => ({
    op: 'Softmax',
    from: 12,
    to: 13,
    attributes: { axis: int(axis) },
    inputs: [[2, 3, 4]],
  })),
  {
    op: 'Softmax',
    from: 9,
    to: 21,
    inputs: [[2, 3, 2, 2]],
    becomes: ['Shape', 'Flatten', 'Softmax', 'Reshape'],
  },
  { op: 'Softmax', from: 9, to: 21, inputs: [[2, 3]], becomes: ['Softmax'] },
  { op: 'LogSoftmax', from: 11, to: 13, inputs: [[2, 3, 2]] },
  { op: 'Hardmax', from: 11, to: 13, inputs: [[2, 3, 2]] },
  {
    op: 'ReduceSum',
    from: 11,
    to: 13,
    attributes: { axes: ints(0, 2), keepdims: int(0) },
    inputs: [[2, 3, 4]],
  },
  { op: 'ReduceSum', from: 11, to: 13, inputs: [[2, 3, 4]] },
  ...reduceOps.map((name) => ({
    op: `Reduce${name}`,
    from: 13,
    to: 18,
    attributes: { axes: ints(1) },
    inputs: [[2, 3, 4]],
  })),
  { op: 'Squeeze', from: 12, to: 13, attributes: { axes: ints(0) }, inputs: [[1, 3, 1]] },
  { op: 'Squeeze', from: 12, to: 13, inputs: [[1, 3, 1]] },
  { op: 'Unsqueeze', from: 12, to: 13, attributes: { axes: ints(0, 3) }, inputs: [[2, 3]] },
  {
    op: 'Split',
    from: 12,
    to: 13,
    attributes: { axis: int(1), split: ints(1, 3) },
    inputs: [[2, 4]],
    outputs: ['float32', 'float32'],
  },
  {
    op: 'Split',
    from: 12,
    to: 18,
    attributes: { axis: int(1) },
    inputs: [[2, 4]],
    outputs: ['float32', 'float32'],
  },
  {
    op: 'Slice',
    from: 9,
    to: 13,
    attributes: { starts: ints(1, -3), ends: ints(2, 100), axes: ints(0, 2) },
    inputs: [[3, 2, 5]],
  },
  {
    op: 'Slice',
    from: 9,
    to: 10,
    attributes: { starts: ints(1), ends: ints(3) },
    inputs: [[3, 2]],
  },
  {
    op: 'TopK',
    from: 9,
    to: 11,
    attributes: { axis: int(1), k: int(2) },
    inputs: [[2, 5]],
    outputs: ['float32', 'int64'],
  },
  {
    op: 'Clip',
    from: 10,
    to: 11,
    attributes: { min: float(-0.5), max: float(0.75) },
    inputs: [[2, 5]],
  },
  { op: 'Clip', from: 6, to: 13, attributes: { max: float(0.25) }, inputs: [[2, 5]] },
  {
    op: 'Pad',
    from: 10,
    to: 11,
    attributes: { pads: ints(0, 1, 2, 0), value: float(1.5) },
    inputs: [[2, 3]],
  },
  {
    op: 'Pad',
    from: 7,
    to: 18,
    attributes: { pads: ints(0, 1, 0, 1), mode: string('reflect') },
    inputs: [[2, 3]],
  },
  { op: 'Dropout', from: 10, to: 13, attributes: { ratio: float(0.3) }, inputs: [[2, 3]] },
  // The mask of a node that drops nothing was left open before opset 12.
  {
    op: 'Dropout',
    from: 10,
    to: 12,
    attributes: { ratio: float(0.5) },
    inputs: [[2, 3]],
    outputs: ['float32', 'bool'],
    used: 1,
  },
  {
    op: 'Scatter',
    from: 9,
    to: 11,
    attributes: { axis: int(0) },
    inputs: [[3, 2], int64Constant([2, 0], [1, 2]), [1, 2]],
    becomes: ['ScatterElements'],
  },
  {
    op: 'Upsample',
    from: 8,
    to: 9,
    attributes: { scales: floats(1, 1, 2, 3) },
    inputs: [[1, 2, 2, 2]],
  },
  ...['nearest', 'linear'].flatMap((mode): Case[] => [
    {
      op: 'Upsample',
      from: 8,
      to: 13,
      attributes: { mode: string(mode), scales: floats(1, 1, 2, 2) },
      inputs: [[1, 2, 3, 3]],
      becomes: ['Resize'],
    },
    {
      op: 'Upsample',
      from: 9,
      to: 19,
      attributes: { mode: string(mode) },
      inputs: [[1, 1, 3, 5], floatConstant([4], 1, 1, 1.5, 2)],
      becomes: ['Resize'],
    },
    {
      op: 'Resize',
      from: 10,
      to: 11,
      attributes: { mode: string(mode) },
      inputs: [[1, 1, 4, 6], floatConstant([4], 1, 1, 2, 1.25)],
      becomes: ['Resize'],
    },
    {
      op: 'Resize',
      from: 10,
      to: 13,
      attributes: { mode: string(mode) },
      inputs: [[1, 1, 6, 8], floatConstant([4], 1, 1, 0.5, 0.6)],
      becomes: ['Resize'],
    },
  ]),
  {
    op: 'Resize',
    from: 11,
    to: 13,
    attributes: {
      coordinate_transformation_mode: string('tf_half_pixel_for_nn'),
      nearest_mode: string('floor'),
    },
    inputs: [[1, 1, 3, 5], floatConstant([0]), floatConstant([4], 1, 1, 2, 1.6)],
  },
  ...['bilinear', 'bicubic', 'nearest'].map((mode) => ({
    op: 'GridSample',
    from: 16,
    to: 20,
    attributes: { mode: string(mode) },
    inputs: [
      [1, 2, 4, 4],
      [1, 3, 3, 2],
    ],
  })),
  {
    op: 'GridSample',
    from: 16,
    to: 22,
    inputs: [
      [1, 2, 4, 4],
      [1, 3, 3, 2],
    ],
  },
  { op: 'DFT', from: 17, to: 20, inputs: [[1, 6, 4, 1]] },
  {
    op: 'DFT',
    from: 17,
    to: 20,
    attributes: { axis: int(2), onesided: int(1) },
    inputs: [[1, 4, 6, 1]],
  },
  {
    op: 'BatchNormalization',
    from: 8,
    to: 15,
    attributes: { epsilon: float(0.01) },
    inputs: [
      [2, 3, 2],
      floatConstant([3], 1, 2, 3),
      floatConstant([3], 0, 1, 2),
      floatConstant([3], 1, 0, 1),
      floatConstant([3], 1, 2, 3),
    ],
  },
  {
    op: 'RoiAlign',
    from: 10,
    to: 16,
    attributes: { output_height: int(2), output_width: int(2), sampling_ratio: int(2) },
    inputs: [[1, 1, 6, 6], floatConstant([1, 4], 0.5, 0.5, 4.5, 4), int64Constant([0])],
  },
];

for (const c of numeric) {
  adapt(
    `${c.op} ${c.from} → ${c.to} ${JSON.stringify(c.attributes ?? {})} ${c.inputs[0]}: same outputs`,
    async () => {
      assert.ok(breaks(c.op, c.from, c.to));
      const raised = raise(c);
      if (c.becomes !== undefined)
        assert.equal(
          raised.forms.map(({ op }) => op),
          c.becomes,
        );
      const before = await outputsOf(c, raise(c, c.from), c.from);
      const after = await outputsOf(c, raised, c.to);
      assert.is(before.length, after.length);
      before.forEach((tensor, index) => {
        assertClose(tensor, after[index]!);
      });
    },
  );
}

adapt(
  'BatchNormalization with spatial = 0 is arithmetic with one parameter per element',
  async () => {
    const values = (base: number): Constant =>
      floatConstant([2, 2], base, base + 1, base + 2, base + 3);
    const c: Case = {
      op: 'BatchNormalization',
      from: 7,
      to: 15,
      attributes: { spatial: int(0), epsilon: float(0.5) },
      inputs: [[1, 2, 2], values(1), values(2), values(3), values(4)],
    };
    const [y] = await outputsOf(c, raise(c), 15);
    const { uniform } = random(7);
    const expected = [0, 1, 2, 3].map((i) => {
      const x = Math.fround(uniform() * 4 - 2);
      return ((x - (3 + i)) / Math.sqrt(4 + i + 0.5)) * (1 + i) + (2 + i);
    });
    assertClose(y!, new ort.Tensor('float32', Float32Array.from(expected), [1, 2, 2]));
  },
);

adapt('GroupNormalization gets a scale and bias per channel', async () => {
  const c: Case = {
    op: 'GroupNormalization',
    from: 18,
    to: 21,
    attributes: { num_groups: int(2) },
    inputs: [[1, 4, 3], floatConstant([2], 2, 3), floatConstant([2], 1, -1)],
  };
  const raised = raise(c);
  const [after] = await outputsOf(c, raised, 21);
  // By hand: groups of two channels, standardized, then scaled per group.
  const { uniform } = random(7);
  const x = Array.from({ length: 12 }, () => Math.fround(uniform() * 4 - 2));
  const expected = [0, 1].flatMap((group) => {
    const part = x.slice(group * 6, group * 6 + 6);
    const mean = part.reduce((a, b) => a + b) / 6;
    const variance = part.reduce((a, b) => a + (b - mean) * (b - mean), 0) / 6;
    return part.map(
      (value) => ((value - mean) / Math.sqrt(variance + 1e-5)) * [2, 3][group]! + [1, -1][group]!,
    );
  });
  assertClose(after!, new ort.Tensor('float32', Float32Array.from(expected), [1, 4, 3]));
});

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

adapt('every row is exercised here', () => {
  const tested = new Set<string>();
  for (const c of [...numeric, ...legacy.map(([c]) => c), ...impossible.map(([, c]) => c)])
    tested.add(c.op);
  const names = new Set(adapters.filter(({ since }) => since > 6).map(({ op }) => op));
  tested.add('GroupNormalization');
  assert.equal(
    [...names].filter((op) => !tested.has(op)),
    [],
  );
});

adapt.run();
