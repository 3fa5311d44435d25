import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Attribute, Builder, Model, type NodeSpec } from '../../src/ir/index.ts';
import { findFault, findOp, ops, readAttributes } from '../../src/ops/index.ts';

const table = suite('operator table');

function node(op: string, inputs: number, attributes: Record<string, Attribute> = {}) {
  const b = new Builder(new Model().graph);
  const values: NodeSpec['inputs'] = Array.from({ length: inputs }, (_, i) =>
    b.input(`x${i}`, null),
  );
  return b.node({ op, inputs: values, attributes: Object.entries(attributes) }, ['y']);
}

table('each operator is there once, with sound attribute schemas', () => {
  const keys = ops.map(({ domain, name }) => `${domain ?? ''}:${name}`);
  assert.is(new Set(keys).size, keys.length);
  assert.ok(keys.filter((key) => key.startsWith(':')).length >= 199);
  for (const { name, attributes, inputs, outputs } of ops) {
    assert.ok(inputs[0] <= inputs[1] && outputs[0] <= outputs[1], name);
    for (const schema of Object.values(attributes)) {
      assert.not(schema.required === true && schema.default !== undefined, name);
      if (typeof schema.default === 'string' && schema.oneOf !== undefined)
        assert.ok(schema.oneOf.includes(schema.default), name);
    }
  }
});

table('operators are found by domain and name', () => {
  assert.is(findOp(ops, '', 'Conv')?.name, 'Conv');
  assert.is(findOp(ops, 'ai.onnx', 'Conv'), findOp(ops, '', 'Conv'));
  assert.is(findOp(ops, 'com.microsoft', 'Conv'), null);
  assert.is(findOp(ops, 'com.microsoft', 'MatMulNBits')?.domain, 'com.microsoft');
  assert.is(findOp(ops, '', 'toString'), null);
});

table('attributes are read with the defaults of the schema', () => {
  const op = findOp(ops, '', 'Gemm')!;
  const read = readAttributes(op, node('Gemm', 2, { transB: { type: 'int', value: 1n } }));
  assert.is(read.int('transB'), 1);
  assert.is(read.int('transA'), 0);
  assert.is(read.float('alpha'), 1);
  const pool = readAttributes(findOp(ops, '', 'MaxPool')!, node('MaxPool', 1));
  assert.is(pool.ints('strides'), null);
  assert.is(pool.string('auto_pad'), 'NOTSET');
});

table('faults are found and named', () => {
  const fault = (op: string, inputs: number, attributes: Record<string, Attribute> = {}) =>
    findFault(findOp(ops, '', op)!, node(op, inputs, attributes))?.message ?? null;
  assert.is(fault('Relu', 1), null);
  assert.match(fault('Relu', 2)!, 'it has 2 inputs, expected 1');
  assert.match(fault('MaxPool', 1)!, '"kernel_shape" is missing');
  const kernel = { kernel_shape: { type: 'ints', value: [2, 2] } } as const;
  assert.match(fault('MaxPool', 1, { kernel_shape: { type: 'int', value: 2 } })!, 'type int');
  assert.match(fault('MaxPool', 1, { ...kernel, strides: { type: 'ints', value: [1, 0] } })!, '0');
  assert.match(
    fault('MaxPool', 1, { ...kernel, auto_pad: { type: 'string', value: 'UP' } })!,
    'UP',
  );
  assert.is(fault('MaxPool', 1, { ...kernel, custom: { type: 'int', value: 1 } }), null);
  const huge = { type: 'ints', value: [1, -(2n ** 62n)] } as const;
  assert.match(fault('MaxPool', 1, { ...kernel, strides: huge })!, 'strides');
});

table.run();
