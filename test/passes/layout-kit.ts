import * as assert from 'uvu/assert';
import type { DType } from '../../src/core/dtype.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { allNodes, type Model, verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import {
  assignLayout,
  channelsLast,
  type LayoutOptions,
  type LayoutTarget,
} from '../../src/passes/layout.ts';
import { inferShapes } from '../../src/passes/shapes.ts';
import { noise } from '../build-model.ts';
import { runModel } from '../ort.ts';
import { interpret } from '../reference/interpret.ts';
import { toOnnx } from './to-onnx.ts';

/** Seeded operands for a model's inputs; a symbolic size is `symbol`. */
export function feedsOf(model: Model, symbol = 2): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  let seed = 11;
  for (const { name, type, constant } of model.graph.inputs) {
    if (constant !== null || type?.kind !== 'tensor') continue;
    const dims = type.shape!.map((dim) => (typeof dim === 'number' ? dim : symbol));
    const count = dims.reduce((a, b) => a * b, 1);
    const dtype = type.dtype as DType;
    feeds[name] =
      dtype === 'float32'
        ? new Tensor('float32', noise(count, seed++), dims)
        : new Tensor('int64', new BigInt64Array(count).fill(1n), dims);
  }
  return feeds;
}

/** By how much outputs differ, as a part of their largest element; they must have the same names and shapes. */
export async function difference(
  before: Uint8Array,
  after: Uint8Array | Model,
  feeds: Record<string, Tensor>,
): Promise<number> {
  const a = await runModel(before, feeds);
  const b = (
    after instanceof Uint8Array ? await runModel(after, feeds) : interpret(after, feeds)
  ) as Record<string, Tensor>;
  assert.equal(Object.keys(a).sort(), Object.keys(b).sort());
  let worst = 0;
  for (const [name, tensor] of Object.entries(a)) {
    assert.equal(b[name]!.dims, tensor.dims, name);
    const [x, y] = [tensor.data, b[name]!.data];
    let most = 1e-30;
    for (const value of x) most = Math.max(most, Math.abs(Number(value)));
    for (let i = 0; i < x.length; i++)
      worst = Math.max(worst, Math.abs(Number(x[i]) - Number(y[i])) / most);
  }
  return worst;
}

/** onnxruntime moves Transposes over Pad with axes and gets it wrong. */
export type Running = 'onnxruntime' | 'evaluators' | 'no';

export interface LaidOut {
  model: Model;
  /** Transposes of the layout pass. */
  transposes: number;
  ops: string[];
  /** Against onnxruntime on the model as it was. */
  difference: number;
}

/** Lays a model out, checks it, that the types it says are those that follow, that a second time changes
 *  nothing, and what it computes. */
export async function layOut(
  bytes: Uint8Array,
  {
    target = channelsLast,
    symbol = 2,
    run = 'onnxruntime',
    ...options
  }: LayoutOptions & { target?: LayoutTarget; symbol?: number; run?: Running } = {},
): Promise<LaidOut> {
  const model = await readModel(bytes);
  const feeds = feedsOf(model, symbol);
  const { transposes } = assignLayout(model, target, { weights: 'count', ...options });
  verify(model);
  const { warnings } = inferShapes(model, ops);
  assert.equal(warnings, [], 'types that were written contradict those that follow');
  const names = [...allNodes(model.graph)].map(({ domain, op }) =>
    domain === '' ? op : `${domain}.${op}`,
  );
  const again = assignLayout(model, target, { weights: 'count', ...options });
  assert.equal(again.changed, 0, 'a second time changes something');
  assert.is(again.transposes, transposes);
  if (run === 'no') return { model, transposes, ops: names, difference: 0 };
  toOnnx(model);
  verify(model);
  const written = run === 'evaluators' ? model : await writeModel(model);
  return { model, transposes, ops: names, difference: await difference(bytes, written, feeds) };
}
