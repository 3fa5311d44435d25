import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../../src/core/tensor.ts';
import { readModel } from '../../../src/formats/index.ts';
import { verify } from '../../../src/ir/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';
import { elementwiseCases } from './cases/elementwise.ts';
import { movingCases } from './cases/moving.ts';
import { quantizedCases } from './cases/quantized.ts';
import { windowCases } from './cases/window.ts';
import { fed, fileOf } from './one-operator.ts';

/** Files with one operator, in our sessions and in tfjs-tflite. */

const builtins = suite('tflite builtins');
builtins.after(closeTflite);

const names = new Map<string, number>();

const cases = [...elementwiseCases, ...windowCases, ...movingCases, ...quantizedCases];

for (const item of cases) {
  const number = (names.get(item.op) ?? 0) + 1;
  names.set(item.op, number);
  builtins(`${item.op} ${number}`, async () => {
    const bytes = fileOf(item);
    const feeds = fed(item);
    const model = await readModel(bytes);
    verify(model);
    assert.equal(model.notes, []);
    assert.not.ok(
      model.graph.nodes.some(({ domain }) => domain === 'tflite'),
      'it is opaque',
    );
    const session = await createSession(model);
    const results = await session.run(
      Object.fromEntries(session.inputs.map(({ name }, i) => [name, feeds[i]!])),
    );
    const { outputs } = await runTflite(bytes, feeds);
    outputs.forEach((wanted, i) => {
      const { name } = session.outputs[i]!;
      compare(results[name] as Tensor, wanted, item.outputs[i]!.scale !== undefined, name);
    });
    session.dispose();
  });
}

builtins.run();

function compare(got: Tensor, wanted: Tensor, isQuantized: boolean, name: string): void {
  assert.is(got.type, wanted.type, name);
  assert.equal(got.dims, wanted.dims, `${name}: shape`);
  const [a, b] = [got, wanted].map(({ data }) =>
    Array.from(data as Iterable<number | bigint>, Number),
  );
  const largest = Math.max(1, ...b!.filter(Number.isFinite).map(Math.abs));
  const tolerance = isQuantized ? 1 : got.type === 'float32' ? 1e-5 * largest : 0;
  b!.forEach((value, i) => {
    if (Object.is(a![i], value)) return;
    const off = Math.abs(a![i]! - value);
    assert.ok(off <= tolerance, `${name}[${i}] is ${a![i]}, not ${value}`);
  });
}
