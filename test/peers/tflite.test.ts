import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { sharedFile } from '../shared.ts';
import { tfliteReferences } from '../tflite-refs.ts';
import { closeTflite, loadTflite, runTflite, TfliteRunError } from './tflite.ts';

const peer = suite('tfjs-tflite');
peer.after(closeTflite);

/** What it makes of every file has been stored; person_detect only of a repaired copy. */
const cases = tfliteReferences().filter(
  ({ model, runtime }) => runtime === 'tfjs-tflite' && model !== 'tflm/person_detect.tflite',
);

peer('gives the stored outputs, bit for bit where they are integers', async () => {
  let compared = 0;
  for (const { model, bytes, inputs, outputs } of cases) {
    const run = await runTflite(bytes, inputs);
    for (const [i, expected] of outputs.entries()) {
      if (expected === null) continue;
      const got = run.outputs[i]!;
      assert.is(got.type, expected.type, model);
      assert.equal(got.dims, expected.dims, model);
      const [a, b] = [got.data as Float32Array, expected.data as Float32Array];
      const largest = b.reduce((most, value) => Math.max(most, Math.abs(Number(value))), 0);
      const tolerance = got.type === 'float32' ? 1e-6 * largest : 0;
      const wrong = a.findIndex(
        (value, j) =>
          !(Math.abs(Number(value) - Number(b[j])) <= tolerance) && !Object.is(value, b[j]),
      );
      assert.is(wrong, -1, `${model}, output ${i}: ${a[wrong]} and not ${b[wrong]}`);
      compared++;
    }
  }
  assert.ok(cases.length === 0 || compared > 20, `${compared} outputs compared`);
});

peer(
  'takes other sizes where a file leaves them open, and names what it does not take',
  async () => {
    const bytes = sharedFile('tflite-models/litert/simple_add_dynamic_shape.tflite');
    if (bytes === null) return;
    const { inputs } = await loadTflite(bytes);
    assert.equal(inputs[0]!.tensor.dims, [1, 128, 4]);
    const values = Float32Array.from({ length: 5 * 128 * 4 }, (_, i) => i);
    const five = new Tensor('float32', values, [5, 128, 4]);
    const { outputs } = await runTflite(bytes, [five, five]);
    assert.equal(
      outputs[0],
      new Tensor(
        'float32',
        values.map((value) => value * 2),
        [5, 128, 4],
      ),
    );
    for (const broken of ['custom_sinh', 'double_flex']) {
      const file = sharedFile(`tflite-models/tflite-testdata/${broken}.bin`)!;
      let caught: unknown;
      await loadTflite(file).catch((error: unknown) => {
        caught = error;
      });
      assert.instance(caught, TfliteRunError);
      assert.match((caught as Error).message, /Sinh|Flex|dlopen/);
    }
  },
);

peer('reads int64 outputs, which the wrapper hides', async () => {
  const bytes = sharedFile('tflite-models/coral/deeplabv3_mnv2_dm05_pascal_quant.tflite');
  if (bytes === null) return;
  const { inputs } = await loadTflite(bytes);
  const { outputs } = await runTflite(
    bytes,
    inputs.map(({ tensor }) => tensor),
  );
  assert.is(outputs[0]!.type, 'int64');
  assert.ok((outputs[0]!.data as BigInt64Array).every((id) => id >= 0n && id < 21n));
});

peer.run();
