import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { type Attribute, constantOf } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel } from '../ort.ts';

const resizing = suite('resize in sessions');

const text = (value: string): Attribute => ({ type: 'string', value });

const cases = [
  ['nearest', 'asymmetric', 'floor', [1, 1, 2, 3], /x32_copy/],
  ['nearest', 'half_pixel', 'round_prefer_floor', [1, 1, 2, 2], /x32_copy/],
  ['nearest', 'half_pixel', 'round_prefer_ceil', [1, 1, 1.6, 0.7], /f32_resample/],
  ['linear', 'half_pixel', 'floor', [1, 1, 2.5, 0.6], /f32_resample/],
  ['linear', 'align_corners', 'floor', [1, 1, 2, 3], /f32_resample/],
  ['cubic', 'half_pixel', 'floor', [1, 1, 1.5, 2], /f32_resample/],
] as const;

for (const [mode, coordinates, nearest, scales, kernel] of cases) {
  resizing(`${mode} ${coordinates} by ${scales.join(' × ')} as onnxruntime`, async () => {
    const source = random(3);
    const dims = [2, 3, 5, 10];
    const data = Float32Array.from({ length: 300 }, () => source.uniform() * 2 - 1);
    const bytes = makeOnnx({
      opset: 17,
      nodes: [
        {
          op: 'Resize',
          inputs: ['x', '', 'scales'],
          outputs: ['y'],
          attributes: [
            ['mode', text(mode)],
            ['coordinate_transformation_mode', text(coordinates)],
            ['nearest_mode', text(nearest)],
          ],
        },
      ],
      inputs: { x: ['float32', dims] },
      outputs: { y: 'float32' },
      constants: {
        scales: constantOf('float32', [4], new Uint8Array(Float32Array.from(scales).buffer)),
      },
    });
    const feeds = { x: new Tensor('float32', data, dims) };
    const running = createSession(await readModel(bytes));
    const own = running.run(feeds).y!;
    const kernels = running.profile(feeds).map((row) => row.kernel);
    running.dispose();
    const theirs = (await runModel(bytes, feeds)).y!;
    assert.equal(own.dims, theirs.dims);
    for (let i = 0; i < theirs.size; i++)
      assert.ok(Math.abs(Number(own.data[i]) - Number(theirs.data[i])) < 2e-6, `at ${i}`);
    assert.match(kernels.join(), kernel);
    assert.not.ok(kernels.includes('generic'));
  });
}

resizing.run();
