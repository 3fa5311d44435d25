import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convert } from '../src/convert.ts';
import { UnsupportedError } from '../src/core/errors.ts';
import { Tensor } from '../src/core/tensor.ts';
import { readModel, writeModel } from '../src/formats/index.ts';
import { ops } from '../src/ops/index.ts';
import { inferShapes } from '../src/passes/shapes.ts';
import { conversionText } from '../src/report/conversion-text.ts';
import { turned } from '../src/runtime/between.ts';
import { floats, info, modelBytes, node, noise } from './build-model.ts';
import { onnxCases } from './onnx-cases.ts';
import { runModel, runner } from './ort.ts';
import { closeTflite, runTflite } from './peers/tflite.ts';
import { decodeCase, verdict } from './runtime/conformance.ts';
import { sharedFile } from './shared.ts';

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

const proving = suite('proofs of conversions');

const image = [1, 3, 6, 6];
const small = (): Uint8Array =>
  modelBytes({
    node: [
      node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }),
      node('HardSwish', ['a'], ['b']),
      node('GlobalAveragePool', ['b'], ['y']),
    ],
    initializer: [floats('w', [4, 3, 3, 3], noise(108, 1))],
    input: [info('x', image)],
    output: [info('y', [1, 4, 1, 1])],
  });

/** What a report is made of: names and kinds of its members. */
const schema = {
  kind: 'string',
  version: 'number',
  from: 'string',
  to: 'string',
  opsetBefore: 'number',
  opsetAfter: 'number',
  bytesBefore: 'number',
  bytesAfter: 'number',
  nodesBefore: 'number',
  nodesAfter: 'number',
  adapted: [{ node: 'string', op: 'string', becomes: ['string'] }],
  quantization: [],
  transposes: { count: 'number', least: 'number' },
  notes: [],
  outputs: {
    kind: 'string',
    version: 'number',
    runner: 'string',
    samples: 'number',
    inputs: 'string',
    bindings: {},
    outputs: [
      {
        output: 'string',
        elements: 'number',
        maxDifference: 'number',
        maxReference: 'number',
        sqnrDb: 'number or null',
        cosine: 'number',
        levels: 'null',
        top1: 'null',
      },
    ],
  },
  layers: {
    layers: [
      {
        layer: 'string',
        other: 'string',
        operator: 'string',
        otherOperator: 'string',
        matched: 'string',
        dims: ['number'],
        permuted: 'boolean',
        maxDifference: 'number',
        maxReference: 'number',
        sqnrDb: 'number or null',
        cosine: 'number',
        levels: 'null',
        differs: 'boolean',
        arises: 'boolean',
        why: 'string or null',
      },
    ],
    unmatched: [],
    firstDifferent: 'null',
  },
};

function check(value: unknown, wanted: unknown, where: string): void {
  if (typeof wanted === 'string') {
    const kind = value === null ? 'null' : typeof value;
    assert.ok(wanted.split(' or ').includes(kind), `${where} is ${kind}, not ${wanted}`);
  } else if (Array.isArray(wanted)) {
    assert.ok(Array.isArray(value), where);
    for (const item of value as unknown[]) check(item, wanted[0], `${where}[]`);
    assert.ok(wanted.length === 0 || (value as unknown[]).length > 0, `${where} is empty`);
  } else {
    assert.equal(Object.keys(value as object).sort(), Object.keys(wanted as object).sort(), where);
    for (const [key, inner] of Object.entries(wanted as object))
      check((value as Record<string, unknown>)[key], inner, `${where}.${key}`);
  }
}

proving('the report is plain data of a known form', async () => {
  const { report } = await convert(small(), { opset: 13 });
  check(report, schema, 'report');
  assert.equal(JSON.parse(JSON.stringify(report)), report);
});

proving('decomposed nodes are named where the values differ', async () => {
  const { report } = await convert(small(), { opset: 13 });
  assert.equal(
    report.adapted.map(({ op }) => op),
    ['HardSwish'],
  );
  const { layers, firstDifferent } = report.layers!;
  assert.is(firstDifferent, null, 'within rounding');
  const row = layers.find(({ operator }) => operator === 'HardSwish')!;
  assert.ok(row.sqnrDb === null || /written as/.test(row.why!), JSON.stringify(row));
  assert.match(conversionText(report), /Layers: 3 compared, 3 agree/);
  assert.match(conversionText(report, { layers: true }), /HardSwish/);
});

proving('inputs and outputs in the other layout are compared with the source', async () => {
  const { bytes, report } = await convert(small(), { layout: 'NHWC' });
  const { graph } = await readModel(bytes);
  assert.equal(graph.inputs[0]!.type, { kind: 'tensor', dtype: 'float32', shape: [1, 6, 6, 3] });
  assert.equal(graph.outputs[0]!.type, { kind: 'tensor', dtype: 'float32', shape: [1, 1, 1, 4] });
  assert.equal(report.transposes, { count: 2, least: 2 });
  assert.is(report.outputs!.outputs[0]!.maxDifference, 0);
  const results = await runModel(bytes, {
    x: new Tensor('float32', new Float32Array(108).fill(1), [1, 6, 6, 3]),
  });
  const before = await runModel(small(), {
    x: new Tensor('float32', new Float32Array(108).fill(1), image),
  });
  assert.equal([...(results.y!.data as Float32Array)], [...(before.y!.data as Float32Array)]);
});

proving(
  'a TFLite file computes the same, in either layout, with as few transposes as can be',
  async () => {
    for (const [layout, count] of [
      ['NHWC', 0],
      // The output has no space: it is reshaped.
      ['NCHW', 1],
    ] as const) {
      const { bytes, report } = await convert(small(), { to: 'tflite', layout });
      assert.is(report.to, 'tflite');
      assert.equal(report.transposes, { count, least: count });
      const [output] = report.outputs!.outputs;
      assert.ok(output!.maxDifference <= 1e-6, `${output!.maxDifference}`);
      const { layers, firstDifferent } = report.layers!;
      assert.is(firstDifferent, null);
      assert.equal(
        layers.map(({ operator }) => operator),
        ['Conv', 'HardSwish', 'GlobalAveragePool'],
      );
      const image = new Tensor('float32', noise(108, 4), [1, 3, 6, 6]);
      const given = layout === 'NHWC' ? turned(image, [0, 2, 3, 1]) : image;
      const theirs = (await runTflite(bytes, [given])).outputs[0]!;
      const expected = (await runModel(small(), { x: image })).y!;
      assert.is(theirs.size, 4);
      for (let i = 0; i < 4; i++)
        assert.ok(Math.abs(Number(theirs.data[i]) - Number(expected.data[i])) < 1e-5, `${i}`);
    }
  },
);

for (const [name, most] of [
  ['super_resolution', 0],
  ['resnet20_cifar10', 1],
  ['blazeface_front_128', 1],
] as const) {
  proving(
    `${name}.tflite has no transposes, or ${most} for images with channels first`,
    async () => {
      const bytes = sharedFile(`onnx-models/${name}.onnx`);
      if (bytes === null) return;
      for (const [layout, count] of [
        ['NHWC', 0],
        ['NCHW', most],
      ] as const) {
        const { report } = await convert(bytes, { to: 'tflite', layout, runner: null });
        assert.equal(report.transposes, { count, least: count }, layout);
      }
    },
  );
}

proving('integers go to TFLite and back without a change', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ic_resnet8_int8.tflite');
  if (bytes === null) return;
  const there = await convert(bytes, { to: 'onnx', samples: 1 });
  const back = await convert(there.bytes, { to: 'tflite', layout: 'NHWC', samples: 1 });
  for (const { report } of [there, back]) {
    const [output] = report.outputs!.outputs;
    assert.is(output!.levels!.most, 0, 'every integer is the same');
    assert.ok(report.layers!.layers.length >= 16);
    for (const { levels } of report.layers!.layers) assert.is(levels!.most, 0);
  }
  assert.is(back.report.transposes.count, 0);
});

proving('everything that is in the way is in one error', async () => {
  const bytes = modelBytes({
    node: [node('StringNormalizer', ['x'], ['a']), node('Unheard', ['z'], ['y'])],
    input: [info('x', [2], 8), info('z', [2])],
    output: [info('a', null, 8), info('y', [2])],
  });
  const error = await convert(bytes, { to: 'tflite' }).catch((e: unknown) => e);
  assert.instance(error, UnsupportedError);
  const failures = (error as Error).cause as { code: string; where: string; reason: string }[];
  assert.is(failures.length, 2);
  for (const { code, where } of failures)
    assert.match(`${code} ${where}`, /^E_TFLITE_\w+ \w+ "\w+"/);
});

proving('what does not run here is converted all the same, and said', async () => {
  const bytes = modelBytes({
    node: [node('Unheard', ['x'], ['y'])],
    input: [info('x', [2])],
    output: [info('y', [2])],
  });
  const { report } = await convert(bytes);
  assert.is(report.outputs, null);
  assert.match(report.notes.join(), /the models were not run: .*Unheard/);
});

proving.after(closeTflite);
proving.run();
