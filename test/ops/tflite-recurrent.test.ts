import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Shape } from '../../src/core/shape.ts';
import { type Attribute, Builder, Model, tensorType, verify } from '../../src/ir/index.ts';
import { findFault, findOp, ops } from '../../src/ops/index.ts';
import { profile } from '../../src/passes/profile.ts';
import { inferShapes } from '../../src/passes/shapes.ts';

const recurrent = suite('recurrent operators of TFLite: shapes and cost');

interface Outcome {
  shapes: (Shape | undefined)[];
  warning: string;
  macs: number;
}

function infer(
  op: string,
  shapes: readonly (Shape | undefined)[],
  outputs: number,
  attributes: Record<string, Attribute> = {},
): Outcome {
  const model = new Model();
  const b = new Builder(model.graph);
  const inputs = shapes.map((shape, i) =>
    shape === undefined ? null : b.input(`x${i}`, tensorType('float32', shape)),
  );
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const node = b.node({ op, domain: 'mp', inputs, attributes: Object.entries(attributes) }, names);
  for (const value of node.outputs) b.output(value);
  verify(model);
  assert.is(findFault(findOp(ops, 'mp', op)!, node), null);
  const { warnings } = inferShapes(model, ops);
  return {
    shapes: node.outputs.map(({ type }) => (type?.kind === 'tensor' ? type.shape : undefined)),
    warning: warnings[0]?.message ?? '',
    macs: profile(model, ops, {}).macs,
  };
}

const int = (value: number): Attribute => ({ type: 'int', value });

/** Inputs of an LSTM with `i` inputs, `u` cells, `o` outputs, projected where they differ. */
function lstm(x: Shape, i: number, u: number, o: number): (Shape | undefined)[] {
  const four = (shape: Shape): Shape[] => [shape, shape, shape, shape];
  const none = undefined;
  return [
    x,
    ...four([u, i]),
    ...four([u, o]),
    none,
    none,
    none,
    ...four([u]),
    u === o ? none : [o, u],
    none,
    [2, o],
    [2, u],
    none,
    none,
    none,
    none,
  ];
}

recurrent('SVDF has one output for each rank filters', () => {
  const svdf = infer('SVDF', [[2, 6], [8, 6], [8, 3], [4], [2, 24]], 2, { rank: int(2) });
  assert.equal(svdf.shapes, [
    [2, 4],
    [2, 24],
  ]);
  assert.is(svdf.macs, 2 * (8 * 6 + 8 * 3));
  assert.match(
    infer('SVDF', [[2, 5], [8, 6], [8, 3], undefined, [2, 24]], 2, { rank: int(2) }).warning,
    /5 and 6/,
  );
});

recurrent('LSTMs have states as outputs', () => {
  const whole = infer('UnidirectionalSequenceLSTM', lstm([2, 7, 5], 5, 4, 3), 3);
  assert.equal(whole.shapes, [
    [2, 7, 3],
    [2, 3],
    [2, 4],
  ]);
  assert.is(whole.macs, 2 * 7 * (4 * (4 * 5 + 4 * 3) + 12));
  assert.equal(infer('LSTM', lstm([2, 5], 5, 4, 4), 3).shapes, [
    [2, 4],
    [2, 4],
    [2, 4],
  ]);
  const basic = infer('BasicLSTM', [[2, 5], [2, 3], [12, 8], [12], [2, 3]], 6);
  assert.equal(basic.shapes, [
    [2, 3],
    [2, 3],
    [2, 8],
    [2, 12],
    [2, 3],
    [2, 3],
  ]);
  assert.is(basic.macs, 2 * 12 * 8);
});

recurrent('both directions give one tensor or two', () => {
  const shapes = [[7, 2, 5], [4, 5], [4, 4], [4], [2, 4], [3, 5], [3, 3], [3], [2, 3]];
  assert.equal(infer('BidirectionalSequenceRNN', shapes, 4).shapes, [
    [7, 2, 4],
    [7, 2, 3],
    [2, 4],
    [2, 3],
  ]);
  const merged = infer('BidirectionalSequenceRNN', shapes, 3, { merge_outputs: int(1) });
  assert.equal(merged.shapes[0], [7, 2, 7]);
  assert.match(infer('BidirectionalSequenceRNN', shapes, 3).warning, /expected 4 outputs/);
  const one = lstm([7, 2, 5], 5, 4, 4);
  const both = [...one.slice(0, 18), ...one.slice(1, 18), [2, 4], [2, 4], [2, 4], [2, 4]];
  const result = infer('BidirectionalSequenceLSTM', both, 6);
  assert.equal(result.shapes.slice(0, 3), [
    [7, 2, 4],
    [7, 2, 4],
    [2, 4],
  ]);
});

recurrent('RNN, one step or several', () => {
  const rest = [[4, 5], [4, 4], [4], [2, 4]];
  assert.equal(infer('RNN', [[2, 5], ...rest], 2).shapes, [
    [2, 4],
    [2, 4],
  ]);
  const long = infer('UnidirectionalSequenceRNN', [[2, 'steps', 5], ...rest], 2);
  assert.equal(long.shapes[0], [2, 'steps', 4]);
});

recurrent.run();
