import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CompressOptions,
  type CompressResult,
  compress,
  evaluate,
  type Plan,
} from '../../src/compress/index.ts';
import { AgreementError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { readConstant } from '../../src/ir/constant.ts';
import { verify } from '../../src/ir/index.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runModel, sqnr } from '../ort.ts';

/** Quantized models are run beside the original, and what loses too much is put back. */

const x = suite('the judge');

/** Hidden units of which one is a thousand times as large as the others, and hardly counts. */
function mlp(outlier: number, seed = 1): Uint8Array {
  const w = noise(32 * 48, seed, 0.3);
  const v = noise(48 * 10, 2, 0.3);
  for (let i = 0; i < 32; i++) w[i * 48 + 7]! *= outlier;
  for (let k = 0; k < 10; k++) v[7 * 10 + k]! /= outlier;
  return modelBytes({
    input: [info('x', ['n', 32])],
    output: [info('y', ['n', 10])],
    initializer: [
      floats('w', [32, 48], w),
      floats('v', [48, 10], v),
      floats('u', [10, 10], noise(100, 3)),
    ],
    node: [
      node('MatMul', ['x', 'w'], ['p']),
      node('Relu', ['p'], ['h']),
      node('MatMul', ['h', 'v'], ['q']),
      node('MatMul', ['q', 'u'], ['y']),
    ],
  });
}

const rows = (count: number, seed = 5): Tensor =>
  new Tensor('float32', noise(count * 32, seed), [count, 32]);
const calibration = [{ x: rows(64) }];

async function pressed(bytes: Uint8Array, options: CompressOptions): Promise<CompressResult> {
  const result = await compress(await readModel(bytes), options);
  verify(result.model);
  return result;
}

/** In onnxruntime, on other rows, dB. */
async function agreement(before: Uint8Array, after: Uint8Array): Promise<number> {
  const feeds = { x: rows(32, 9) };
  const [a, b] = [await runModel(before, feeds), await runModel(after, feeds)];
  return sqnr(a.y!.data as Float32Array, b.y!.data as Float32Array);
}

x('evaluate says what can be worked out by hand', async () => {
  const scaled = (factor: number): Promise<Awaited<ReturnType<typeof readModel>>> =>
    readModel(
      modelBytes({
        input: [info('x', [1, 3])],
        output: [info('y', [1, 3])],
        initializer: [floats('f', [3], [1, 1, factor])],
        node: [node('Mul', ['x', 'f'], ['y'])],
      }),
    );
  const samples = [
    { x: new Tensor('float32', [3, 0, 1], [1, 3]) },
    { x: new Tensor('float32', [0, 9, 10], [1, 3]) },
  ];
  const { outputs, sqnrDb } = await evaluate(await scaled(1), await scaled(0.5), samples);
  // 191 of signal, 25.25 of noise; the second row's largest is another.
  assert.is(outputs.length, 1);
  assert.is(outputs[0]!.name, 'y');
  assert.ok(Math.abs(sqnrDb - 10 * Math.log10(191 / 25.25)) < 1e-9);
  assert.is(outputs[0]!.top1, 0.5);
  assert.is((await evaluate(await scaled(2), await scaled(2), samples)).sqnrDb, Infinity);
});

x('what keeps the outputs from the wish is named and stays real, and nothing else', async () => {
  const bytes = mlp(1000);
  const free = await pressed(bytes, {
    quantize: { weights: 'int8', minOutputDb: null, recover: false },
    calibration,
    force: true,
  });
  assert.ok(free.report.judge!.sqnrDb.after! < 20, `${free.report.judge!.sqnrDb.after}`);
  // An outlier can be moved to the weights behind it: not here.
  const quantize = { weights: 'int8', recover: false } as const;
  const { report, model, plan } = await pressed(bytes, { quantize, calibration });
  const { judge } = report;
  assert.ok(judge!.heldBack);
  assert.is(judge!.samples, 16);
  assert.ok(judge!.sqnrDb.after! >= 25);
  const names = judge!.restored.map(({ name }) => name);
  assert.ok(names.length <= 2 && names.every((name) => name === 'h' || name.includes('MatMul_q')));
  const real = report.activations!.real.map(({ layer }) => layer);
  assert.ok(real.includes('MatMul "MatMul_q"'));
  assert.not(real.includes('MatMul "MatMul_y"'));
  assert.ok(plan.activations.some(({ value }) => value === 'q'));
  assert.ok((await agreement(bytes, await writeModel(model))) > 24);
});

x('a result that agrees too little is refused, unless it is wanted', async () => {
  const bytes = mlp(1e5);
  const quantize = { weights: 'int8', minOutputDb: null, recover: false } as const;
  const error = await pressed(bytes, { quantize, calibration }).catch((cause: unknown) => cause);
  assert.instance(error, AgreementError);
  assert.is((error as AgreementError).code, 'E_AGREEMENT');
  assert.ok((error as AgreementError).sqnrDb < 10);
  const { report } = await pressed(bytes, { quantize, calibration, force: true });
  assert.ok(report.judge!.sqnrDb.after! < 10);
});

x(
  'layers have settings of their own, by the name of an operator, a weight or an output',
  async () => {
    const bytes = mlp(1);
    const typesOf = async (layers: Record<string, 'float32' | 'int4' | 'float16'>) => {
      const quantize = { weights: 'int8', minOutputDb: null, layers } as const;
      const { report } = await pressed(bytes, { quantize, calibration });
      return {
        ...Object.fromEntries(report.layers.map(({ weight, to }) => [weight, to])),
        kept: report.kept.filter(({ code }) => code === 'kept-float').map(({ weight }) => weight),
      };
    };
    for (const name of ['MatMul_q', 'v', 'q'])
      assert.equal((await typesOf({ [name]: 'float32' })).kept, ['v']);
    const mixed: Record<string, unknown> = await typesOf({ MatMul_p: 'int4', u: 'float16' });
    assert.match(String(mixed.w), /^int4/);
    assert.match(String(mixed.v), /^int8/);
    assert.is(mixed.u, 'float16');
    const error = await typesOf({ MatMul_: 'float32' }).catch((cause: unknown) => cause);
    assert.instance(error, RangeError);
    assert.match((error as Error).message, /"MatMul_q"/);
  },
);

x('a plan does the same again: from JSON, with and without the samples', async () => {
  const bytes = mlp(1000);
  const first = await pressed(bytes, { quantize: 'int8', calibration });
  const written = await writeModel(first.model);
  const plan = JSON.parse(JSON.stringify(first.plan)) as Plan;
  const again = await pressed(bytes, { plan, calibration });
  assert.equal(await writeModel(again.model), written);
  assert.is(again.report.judge, null);
  const options = plan.needsCalibration ? { plan, calibration } : { plan };
  assert.equal(await writeModel((await pressed(bytes, options)).model), written);
  assert.equal(
    again.plan.activations.map(({ value, scale, zeroPoint }) => [value, scale, zeroPoint]),
    plan.activations.map(({ value, scale, zeroPoint }) => [value, scale, zeroPoint]),
  );
  const other = await pressed(mlp(1000, 8), { plan, calibration }).catch((cause: unknown) => cause);
  assert.instance(other, RangeError);
  assert.match((other as Error).message, /made for this model/);
  const none = { version: 1 } as unknown as Plan;
  assert.instance(
    await pressed(bytes, { plan: none }).catch((cause: unknown) => cause),
    RangeError,
  );
});

x('the same bytes however the samples are cut into batches, and from an iterator', async () => {
  const bytes = mlp(1000);
  const all = rows(64).data as Float32Array;
  const cut = (size: number) =>
    Array.from({ length: 64 / size }, (_, i) => ({
      x: new Tensor('float32', all.slice(i * size * 32, (i + 1) * size * 32), [size, 32]),
    }));
  const results: Uint8Array[] = [];
  for (const samples of [cut(64), cut(8), cut(1), cut(16).values()])
    results.push(
      await writeModel((await pressed(bytes, { quantize: 'int8', calibration: samples })).model),
    );
  for (const other of results.slice(1)) assert.equal(other, results[0]);
});

x(
  'products whose sums may saturate on old processors are named, and 7 bits prevent it',
  async () => {
    // Of two neighbors on the way down a column both near 127 (output 1), one (output 0), both of other signs (output 2).
    const w = [1, 1, 1, 0.01, 0.9, -0.9, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1];
    const bytes = modelBytes({
      input: [info('x', ['n', 4])],
      output: [info('y', ['n', 3])],
      initializer: [floats('w', [4, 3], w)],
      node: [node('MatMul', ['x', 'w'], ['y'])],
    });
    const small = Array.from({ length: 16 }, (_, i) => ({
      x: new Tensor('float32', noise(4, i + 1), [1, 4]),
    }));
    const run = (reduceRange: boolean): Promise<CompressResult> =>
      pressed(bytes, {
        quantize: { weights: 'int8', minOutputDb: null, minElements: 0, reduceRange },
        calibration: small,
      });
    const warned = ({ report }: CompressResult): string | undefined =>
      report.warnings.find((text) => text.includes('VNNI'));
    assert.match(warned(await run(false)) ?? '', /MatMul "MatMul_y" \(1\/3\)/);
    const reduced = await run(true);
    assert.is(warned(reduced), undefined);
    const levels = [...reduced.model.graph.constants].find(
      ({ constant }) => constant?.dtype === 'int8' && constant.shape.length === 2,
    )!;
    const stored = new Int8Array(await readConstant(levels.constant!));
    assert.is(Math.max(...stored.map(Math.abs)), 63);
  },
);

x('auto takes a way whose outputs are near, and says what it tried', async () => {
  const bytes = mlp(1000);
  const { report, model } = await pressed(bytes, { quantize: 'auto', calibration });
  assert.equal(
    report.attempts.map(({ mode }) => mode),
    ['static', 'dynamic', 'weight-only'],
  );
  assert.is(report.attempts.filter(({ isChosen }) => isChosen).length, 1);
  assert.ok(report.judge!.sqnrDb.after! >= 25);
  assert.ok((await agreement(bytes, await writeModel(model))) > 24);
  const blind = await pressed(bytes, { quantize: 'auto', seed: 3 });
  assert.is(blind.report.judge!.inputs, 'random, seed 3');
  assert.not(blind.report.attempts.some(({ mode }) => mode === 'static'));
  const same = await pressed(bytes, { quantize: 'auto', seed: 3 });
  assert.equal(await writeModel(same.model), await writeModel(blind.model));
  const wrong = { quantize: { weights: 'auto', mode: 'static' } } as unknown as CompressOptions;
  assert.instance(await pressed(bytes, wrong).catch((cause: unknown) => cause), RangeError);
});

x.run();
