import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { Builder } from '../../src/ir/build.ts';
import { constantOfTensor, Model, tensorType, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { fuseForRuntime, optimizeForRuntime } from '../../src/passes/optimize.ts';
import { createSession } from '../../src/runtime/index.ts';

const own = suite('operators of domain mp while they are optimized');

const names = ({ graph }: Model): string[] =>
  graph.nodes.map(({ domain, op }) => (domain === '' ? op : `${domain}.${op}`));

const float = (value: number) => ({ type: 'float', value }) as const;
const text = (value: string) => ({ type: 'string', value }) as const;

own('activations come off, and go back', () => {
  const model = new Model();
  const b = new Builder(model.graph);
  const x = b.input('x', tensorType('float32', [1, 2, 2, 1]));
  const w = b.constant('w', constantOfTensor(new Tensor('float32', [2, -1], [2, 1, 1, 1])));
  const attributes = [
    ['activation', text('Clip')],
    ['activation_min', float(-1)],
    ['activation_max', float(6)],
  ] as const;
  const conv = b.node({ op: 'Conv', domain: 'mp', inputs: [x, w], attributes }, ['c']);
  const relu = [['activation', text('Relu')]] as const;
  const sum = b.node({ op: 'Add', domain: 'mp', inputs: [conv.outputs[0]!, x], attributes: relu }, [
    'y',
  ]);
  b.output(sum.outputs[0]!);
  optimizeForRuntime(model, { ops });
  verify(model);
  assert.equal(names(model), ['mp.Conv', 'Clip', 'Add', 'Relu']);
  fuseForRuntime(model, { ops });
  verify(model);
  assert.equal(names(model), ['mp.Conv', 'mp.Add']);
  const running = createSession(model);
  const { y } = running.run({ x: new Tensor('float32', [-2, 0.5, 3, 4], [1, 2, 2, 1]) });
  // 2x and −x between −1 and 6, plus x, and no less than 0.
  assert.equal([...(y!.data as Float32Array)], [0, 0, 1.5, 0, 9, 2, 10, 3]);
  running.dispose();
});

own('weights that are dequantized and turned before use stay integers', () => {
  const model = new Model();
  const b = new Builder(model.graph);
  const x = b.input('x', tensorType('float32', [1, 2]));
  const w = b.constant('w', constantOfTensor(new Tensor('int8', [1, 2, 3, 4, 5, 6], [3, 2])));
  w.type = tensorType('float32', [3, 2]);
  w.quantization = {
    storage: 'int8',
    view: null,
    scale: Float32Array.of(1, 10, 100),
    zeroPoint: null,
    axis: 0,
    blockSize: null,
  };
  const [real] = b.node({ op: 'Identity', inputs: [w] }, ['real']).outputs;
  const perm = { type: 'ints', value: [1, 0] } as const;
  const [turned] = b.node({ op: 'Transpose', inputs: [real!], attributes: [['perm', perm]] }, [
    'turned',
  ]).outputs;
  b.output(b.node({ op: 'MatMul', inputs: [x, turned!] }, ['y']).outputs[0]!);
  optimizeForRuntime(model, { ops });
  verify(model);
  assert.equal(names(model), ['MatMul']);
  const weights = model.graph.nodes[0]!.inputs[1]!;
  assert.equal(weights.constant!.shape, [2, 3]);
  assert.is(weights.quantization!.axis, 1);
  const running = createSession(model);
  const { y } = running.run({ x: new Tensor('float32', [1, 2], [1, 2]) });
  assert.equal([...(y!.data as Float32Array)], [5, 110, 1700]);
  running.dispose();
});

own.run();
