import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convert } from '../src/convert.ts';
import { UnsupportedError } from '../src/core/errors.ts';
import { readModel, writeModel } from '../src/formats/index.ts';
import { ops } from '../src/ops/index.ts';
import { inferShapes } from '../src/passes/shapes.ts';
import { onnxCases } from './onnx-cases.ts';
import { runner } from './ort.ts';
import { decodeCase, verdict } from './runtime/conformance.ts';

const lowering = suite('older operator sets');

/** Case, operator set, and whether onnxruntime has kernels for all of it. */
const sample: [string, number][] = [
  ['softmax_axis_0', 11],
  ['reduce_sum_keepdims_example', 11],
  ['slice_neg_steps', 9],
  ['clip_example', 9],
  ['layer_normalization_4d_axis1', 13],
  ['group_normalization_example', 17],
  ['gelu_default_1', 13],
  ['less_equal', 9],
  ['top_k_smallest', 9],
  ['split_1d_uneven_split_opset18', 11],
];

for (const [name, opset] of sample) {
  lowering(`${name} in opset ${opset} gives the published outputs`, async () => {
    const item = onnxCases().find((candidate) => candidate.name.endsWith(`test_${name}`));
    if (item === undefined) return;
    const decoded = await decodeCase(item);
    const model = await readModel(item.model);
    inferShapes(model, ops);
    const bytes = await writeModel(model, { opset });
    assert.is((await readModel(bytes)).opsets.get(''), opset);
    const loaded = await runner.load(bytes);
    const results = await loaded.run(decoded.feeds as Parameters<typeof loaded.run>[0]);
    await loaded.dispose();
    assert.is(verdict(results, decoded.expected), null);
  });
}

lowering('what an operator set can not say is refused with the first that can', async () => {
  const item = onnxCases().find(({ name }) => name.endsWith('test_bitwise_not_2d'));
  if (item === undefined) return;
  const error = await convert(item.model, { opset: 13, runner: null }).catch((e: unknown) => e);
  assert.instance(error, UnsupportedError);
  assert.match(
    String(error),
    /BitwiseNot can't be written in opset 13: it first exists in opset 18/,
  );
});

lowering('a reduction that Scatter lacks is refused, not dropped', async () => {
  const item = onnxCases().find(({ name }) =>
    name.endsWith('test_scatter_elements_with_reduction_mul'),
  );
  if (item === undefined) return;
  const error = await convert(item.model, { opset: 9, runner: null }).catch((e: unknown) => e);
  assert.instance(error, UnsupportedError);
  assert.match(
    String(error),
    /ScatterElements can't be written in opset 9: reduction first exists in opset 16/,
  );
});

lowering.run();
