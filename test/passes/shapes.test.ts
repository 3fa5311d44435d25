import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dtypes } from '../../src/core/dtype.ts';
import { ModelpressError, ShapeError } from '../../src/core/errors.ts';
import { resolveLimits } from '../../src/core/limits.ts';
import type { Dim } from '../../src/core/shape.ts';
import { bufferSource } from '../../src/core/source.ts';
import { readModel } from '../../src/formats/index.ts';
import { decodeMessage } from '../../src/formats/onnx/codec.ts';
import { dtypeOf, tensorBytes } from '../../src/formats/onnx/tensor.ts';
import {
  type Attribute,
  allNodes,
  Builder,
  int64Constant,
  Model,
  tensorType,
  type ValueType,
} from '../../src/ir/index.ts';
import { findOp, ops } from '../../src/ops/index.ts';
import { inferShapes } from '../../src/passes/shapes.ts';
import { onnxCases } from '../onnx-cases.ts';

const shapes = suite('shape inference');
const limits = resolveLimits(undefined, 1 << 27);

interface Stored {
  dtype: string;
  dims: number[];
  bytes: Uint8Array | null;
}

/** A stored tensor, or null for sequences and optionals. */
function storedTensor(message: Uint8Array | undefined): Stored | null {
  if (message === undefined) return null;
  try {
    const tensor = decodeMessage('TensorProto', message, limits);
    const dtype = dtypeOf(tensor.dataType);
    if (dtype === null) return null;
    const dims = (tensor.dims ?? []).map(Number);
    if (dtypes[dtype].bits === 0) return { dtype, dims, bytes: null };
    const bytes = tensorBytes(tensor).read(0, tensorBytes(tensor).size);
    return { dtype, dims, bytes: bytes instanceof Uint8Array ? bytes : null };
  } catch (error) {
    if (error instanceof ModelpressError) return null;
    throw error;
  }
}

/** Undefined when the type agrees with the tensor; whether all of it was known. */
function compare(type: ValueType | null, stored: Stored): 'full' | 'partly' | string {
  if (type === null || type.kind !== 'tensor') return 'partly';
  if (type.dtype !== null && type.dtype !== stored.dtype) return `type ${type.dtype}`;
  if (type.shape === null) return 'partly';
  if (type.shape.length !== stored.dims.length) return `rank ${type.shape.length}`;
  for (const [axis, dim] of type.shape.entries())
    if (typeof dim === 'number' && dim !== stored.dims[axis]) return `[${type.shape.join(', ')}]`;
  return type.shape.every((dim) => typeof dim === 'number') ? 'full' : 'partly';
}

/** Makes the stored inputs constants, so that axes, shapes and indices are known. */
function bindInputs(model: Model, inputs: readonly Uint8Array[]): void {
  for (const [index, value] of [...model.graph.inputs].entries()) {
    const stored = storedTensor(inputs[index]);
    if (stored === null || stored.bytes === null || value.type?.kind !== 'tensor') continue;
    value.constant = {
      dtype: stored.dtype as keyof typeof dtypes,
      shape: stored.dims,
      data: bufferSource(stored.bytes),
    };
    model.graph.inputs.splice(model.graph.inputs.indexOf(value), 1);
    model.graph.constants.add(value);
  }
}

for (const bind of [false, true]) {
  shapes(
    `node tests: never contradicts the stored outputs${bind ? ', inputs bound' : ''}`,
    async () => {
      const wrong: string[] = [];
      let full = 0;
      let outputs = 0;
      for (const { name, model: bytes, inputs, outputs: expected } of onnxCases()) {
        const model = await readModel(bytes, { format: 'onnx' });
        for (const node of allNodes(model.graph)) for (const out of node.outputs) out.type = null;
        if (bind) bindInputs(model, inputs);
        inferShapes(model, ops);
        for (const [index, value] of model.graph.outputs.entries()) {
          const stored = storedTensor(expected[index]);
          if (stored === null || value.type?.kind === 'sequence' || value.type?.kind === 'optional')
            continue;
          if (
            value.producer !== null &&
            findOp(ops, value.producer.domain, value.producer.op) === null
          )
            continue;
          outputs++;
          const verdict = compare(value.type, stored);
          if (verdict === 'full') full++;
          else if (verdict !== 'partly')
            wrong.push(`${name} output ${index}: ${verdict}, stored [${stored.dims.join(', ')}]`);
        }
      }
      assert.equal(wrong, []);
      if (outputs === 0) return;
      assert.ok(outputs > 1100, `${outputs} outputs`);
      const least = bind ? 0.95 : 0.8;
      assert.ok(full / outputs > least, `${full} of ${outputs} fully known`);
      if (process.env.MODELPRESS_VERBOSE !== undefined) console.log({ bind, full, outputs });
    },
  );
}

interface Input {
  dtype?: 'float32' | 'int64' | 'bool' | 'uint8';
  dims?: readonly Dim[] | null;
  ints?: readonly number[];
}

/** One node on these inputs. */
function nodeOn(
  op: string,
  inputs: readonly Input[],
  attributes: Record<string, Attribute> = {},
  outputs = 1,
): Model {
  const model = new Model();
  const b = new Builder(model.graph);
  const values = inputs.map(({ dtype = 'float32', dims = null, ints }, index) =>
    ints === undefined
      ? b.input(`x${index}`, tensorType(dtype, dims))
      : b.constant(`c${index}`, int64Constant(ints)),
  );
  const names = Array.from({ length: outputs }, (_, index) => `y${index}`);
  const node = b.node({ op, inputs: values, attributes: Object.entries(attributes) }, names);
  for (const value of node.outputs) b.output(value);
  return model;
}

function shapeOf(model: Model): readonly Dim[] | null {
  const result = inferShapes(model, ops, { strict: true });
  assert.equal(result.warnings, []);
  const { type } = model.graph.outputs[0]!;
  return type?.kind === 'tensor' ? type.shape : null;
}

const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
const int = (value: number): Attribute => ({ type: 'int', value });

shapes('symbols go through windows, products and broadcasts', () => {
  const x = { dims: ['n', 3, 'height', 'width'] };
  const w = { dims: [8, 3, 3, 3] };
  const strides = { strides: ints(2, 2), pads: ints(1, 1, 1, 1) };
  assert.equal(shapeOf(nodeOn('Conv', [x, w], strides)), [
    'n',
    8,
    'floor((height+1)/2)',
    'floor((width+1)/2)',
  ]);
  assert.equal(shapeOf(nodeOn('Flatten', [{ dims: ['n', 4, 'm'] }])), ['n', '4*m']);
  assert.equal(shapeOf(nodeOn('MatMul', [{ dims: ['n', 'k'] }, { dims: ['k', 5] }])), ['n', 5]);
  assert.equal(shapeOf(nodeOn('Add', [{ dims: ['n', 1] }, { dims: ['m'] }])), ['n', 'm']);
  assert.equal(shapeOf(nodeOn('Add', [{ dims: ['n', 'm'] }, { dims: ['k'] }])), ['n', null]);
  assert.equal(shapeOf(nodeOn('Add', [{ dims: ['n'] }, { dims: [4] }])), [4]);
});

shapes('reshapes solve for the open size, also with symbols', () => {
  const on = (dims: readonly Dim[], ...to: number[]) =>
    shapeOf(nodeOn('Reshape', [{ dims }, { ints: to }]));
  assert.equal(on(['n', 12], -1, 4), ['3*n', 4]);
  assert.equal(on(['n', 12, 7], 0, -1), ['n', 84]);
  assert.equal(on([null, 6, 4], 0, -1), [null, 24]);
  assert.equal(on([2, 3], 3, 2), [3, 2]);
});

shapes('slices of symbolic axes stay right for short ones', () => {
  const max = 2 ** 62;
  const on = (start: number, end: number, step = 1) =>
    shapeOf(
      nodeOn('Slice', [
        { dims: ['n'] },
        { ints: [start] },
        { ints: [end] },
        { ints: [0] },
        { ints: [step] },
      ]),
    );
  assert.equal(on(0, max), ['n']);
  assert.equal(on(1, max), ['max(0,n-1)']);
  assert.equal(on(0, -1), ['max(0,n-1)']);
  assert.equal(on(0, 5), ['min(5,n)']);
  assert.equal(on(0, max, 2), ['floor((n+1)/2)']);
  assert.equal(on(-1, -max, -1), ['n']);
});

shapes('shape arithmetic: Shape, Gather, Mul, Concat, Reshape', () => {
  const model = new Model();
  const b = new Builder(model.graph);
  const x = b.input('x', tensorType('float32', ['batch', 'time', 64]));
  const one = (op: string, inputs: Parameters<Builder['node']>[0]['inputs'], attributes = {}) =>
    b.node({ op, inputs, attributes: Object.entries(attributes) as [string, Attribute][] }, [
      `${op}${b.graph.nodes.length}`,
    ]).outputs[0]!;
  const constant = (...values: number[]) =>
    b.constant(`c${b.graph.constants.size}`, int64Constant(values));
  const shape = one('Shape', [x]);
  const batch = one('Gather', [shape, constant(0)]);
  const time = one('Gather', [shape, constant(1)]);
  const heads = one('Mul', [batch, constant(8)]);
  const target = one('Concat', [heads, time, constant(-1)], { axis: int(0) });
  b.output(one('Reshape', [x, target]));
  assert.equal(shapeOf(model), ['8*batch', 'time', 8]);
});

shapes('inputs given by the caller take the place of the declared ones', () => {
  const model = nodeOn('MatMul', [{ dims: ['n', 4] }, { dims: [4, 5] }]);
  inferShapes(model, ops);
  const { warnings } = inferShapes(model, ops, { inputs: { x0: [7, 4] } });
  assert.equal(warnings, []);
  assert.equal(model.graph.outputs[0]!.type, tensorType('float32', [7, 5]));
});

shapes('declared types complete unknown ones; contradictions are warned of and lose', () => {
  const opaque = nodeOn('NoSuchOperator', [{ dims: [2] }]);
  opaque.graph.outputs[0]!.type = tensorType('int64', [3]);
  assert.equal(inferShapes(opaque, ops).warnings, []);
  assert.equal(opaque.graph.outputs[0]!.type, tensorType('int64', [3]));

  const stale = nodeOn('Relu', [{ dims: [2, 3] }]);
  stale.graph.outputs[0]!.type = tensorType('float32', [9, 3]);
  const { warnings } = inferShapes(stale, ops);
  assert.equal(
    warnings.map(({ code }) => code),
    ['E_SHAPE_DECLARED'],
  );
  assert.equal(stale.graph.outputs[0]!.type, tensorType('float32', [2, 3]));
});

const huge = 2 ** 62;
const x4 = { dims: [1, 4, 8, 8] };
const hostile: [string, Model, string][] = [
  [
    'stride 0',
    nodeOn('Conv', [x4, { dims: [4, 4, 3, 3] }], { strides: ints(0, 1) }),
    'E_OP_ATTRIBUTE',
  ],
  ['group 0', nodeOn('Conv', [x4, { dims: [4, 4, 3, 3] }], { group: int(0) }), 'E_OP_ATTRIBUTE'],
  ['kernel too large', nodeOn('MaxPool', [x4], { kernel_shape: ints(9, 9) }), 'E_SHAPE_WINDOW'],
  [
    'pads of 3',
    nodeOn('MaxPool', [x4], { kernel_shape: ints(1, 1), pads: ints(1, 1, 1) }),
    'E_OP_ATTRIBUTE',
  ],
  ['axis 7', nodeOn('Concat', [x4, x4], { axis: int(7) }), 'E_SHAPE_AXIS'],
  ['axis -2^62', nodeOn('Softmax', [x4], { axis: int(-huge) }), 'E_SHAPE_AXIS'],
  ['inner sizes', nodeOn('MatMul', [{ dims: [2, 3] }, { dims: [4, 5] }]), 'E_SHAPE_MISMATCH'],
  ['broadcast', nodeOn('Add', [{ dims: [2, 3] }, { dims: [4] }]), 'E_SHAPE_BROADCAST'],
  ['reshape', nodeOn('Reshape', [{ dims: [2, 3] }, { ints: [4, -1] }]), 'E_SHAPE_RESHAPE'],
  ['two open sizes', nodeOn('Reshape', [{ dims: [2, 3] }, { ints: [-1, -1] }]), 'E_SHAPE_RESHAPE'],
  ['squeeze of 3', nodeOn('Squeeze', [{ dims: [3] }, { ints: [0] }]), 'E_SHAPE_SQUEEZE'],
  [
    'step 0',
    nodeOn('Slice', [x4, { ints: [0] }, { ints: [1] }, { ints: [0] }, { ints: [0] }]),
    'E_SHAPE_SLICE',
  ],
  [
    'rank 5000',
    nodeOn('Reshape', [{ dims: [1] }, { ints: new Array(4000).fill(1) }]),
    'E_SHAPE_RANK',
  ],
  ['one axis twice', nodeOn('Unsqueeze', [x4, { ints: [0, 0] }]), 'E_SHAPE_AXIS'],
  ['no inputs', nodeOn('Conv', []), 'E_OP_ARITY'],
  ['split', nodeOn('Split', [{ dims: [5] }, { ints: [2, 2] }], {}, 2), 'E_SHAPE_SPLIT'],
  ['negative size', nodeOn('ConstantOfShape', [{ ints: [-3] }]), 'E_SHAPE_RANGE'],
  ['bad cast', nodeOn('Cast', [x4], { to: int(999) }), 'E_OP_ATTRIBUTE'],
];
for (const [what, model, code] of hostile) {
  shapes(`what can't be right is a warning, or with strict a ShapeError: ${what}`, () => {
    assert.equal(
      inferShapes(model, ops).warnings.map((warning) => warning.code),
      [code],
    );
    try {
      inferShapes(model, ops, { strict: true });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ShapeError);
      assert.is((error as ShapeError).code, code);
      assert.match((error as ShapeError).message, model.graph.nodes[0]!.op);
    }
  });
}

shapes('sizes beyond exact numbers are unknown, not wrong', () => {
  const product = nodeOn('Flatten', [{ dims: [2, 2 ** 40, 2 ** 40] }]);
  const tile = nodeOn('Tile', [{ dims: [4] }, { ints: [huge] }]);
  const pads = nodeOn('Conv', [x4, { dims: [4, 4, 3, 3] }], { pads: ints(huge, 0, 0, 0) });
  for (const model of [product, tile, pads]) {
    inferShapes(model, ops);
    const { type } = model.graph.outputs[0]!;
    const dims = type?.kind === 'tensor' ? (type.shape ?? []) : [];
    assert.ok(dims.some((dim) => dim === null));
  }
});

/** Loops in loops, each carrying a value whose size changes. */
function nestedLoops(depth: number): Model {
  const model = new Model();
  let graph = model.graph;
  let outer = new Builder(graph).input('x', tensorType('float32', ['n', 4]));
  const bodies: Model['graph'][] = [];
  for (let level = 0; level < depth; level++) {
    const body = new Model().graph;
    const inner = new Builder(body);
    inner.input('i', null);
    const condition = inner.input('go', null);
    const carried = inner.input('carried', null);
    inner.output(condition);
    const b = new Builder(graph);
    const count = b.constant('count', int64Constant([3], []));
    const node = b.node(
      {
        op: 'Loop',
        inputs: [count, null, outer],
        attributes: [['body', { type: 'graph', value: body }]],
      },
      ['y'],
    );
    b.output(node.outputs[0]!);
    bodies.push(graph);
    graph = body;
    outer = carried;
  }
  const b = new Builder(graph);
  b.output(
    b.node({ op: 'Concat', inputs: [outer, outer], attributes: [['axis', int(0)]] }, ['z'])
      .outputs[0]!,
  );
  return model;
}

shapes('what a loop carries is weakened to what stays the same', () => {
  const model = nestedLoops(1);
  assert.equal(inferShapes(model, ops).warnings, []);
  assert.equal(model.graph.outputs[0]!.type, tensorType('float32', [null, 4]));
});

shapes('loops nested 60 deep, and deeper than the limit, take bounded time', () => {
  for (const depth of [60, 400]) {
    const start = performance.now();
    inferShapes(nestedLoops(depth), ops);
    assert.ok(performance.now() - start < 1000);
  }
});

shapes('elements of a quantized constant are not its integers', () => {
  const model = new Model();
  const builder = new Builder(model.graph);
  const data = bufferSource(Uint8Array.of(7));
  const weight = builder.constant('w', { dtype: 'int8', shape: [1], data });
  weight.type = tensorType('float32', [1]);
  weight.quantization = {
    storage: 'int8',
    view: null,
    scale: Float32Array.of(0.5),
    zeroPoint: null,
    axis: null,
    blockSize: null,
  };
  const [moved] = builder.node({ op: 'Identity', inputs: [weight] }, ['y']).outputs;
  builder.output(moved!);
  const { values } = inferShapes(model, ops);
  assert.is(values.get(moved!) ?? null, null);
});

shapes.run();
