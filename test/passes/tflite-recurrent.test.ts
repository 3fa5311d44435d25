import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf, Tensor } from '../../src/core/tensor.ts';
import { writeModel } from '../../src/formats/index.ts';
import { type Attribute, Builder, constantOf, Model, tensorType } from '../../src/ir/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { runModel } from '../ort.ts';

const recurrent = suite(
  'recurrent operators of TFLite, in our sessions and as ONNX in onnxruntime',
);

let seed = 1;
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed / 2 ** 31;
  });
}

const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const int = (value: number): Attribute => ({ type: 'int', value });
const float = (value: number): Attribute => ({ type: 'float', value });
const text = (value: string): Attribute => ({ type: 'string', value });

/** A model of one node whose inputs in `fed` come from outside and all others are constants. */
function build(
  op: string,
  inputs: readonly (readonly number[] | null)[],
  fed: readonly number[],
  outputs: number,
  attributes: Record<string, Attribute>,
): { model: Model; feeds: Record<string, Tensor> } {
  const model = new Model();
  model.opsets.set('', 18);
  const b = new Builder(model.graph);
  const feeds: Record<string, Tensor> = {};
  const values = inputs.map((dims, i) => {
    if (dims === null) return null;
    const data = numbers(size(dims));
    if (!fed.includes(i)) return b.constant(`c${i}`, constantOf('float32', dims, bytesOf(data)));
    feeds[`x${i}`] = new Tensor('float32', data, dims);
    return b.input(`x${i}`, tensorType('float32', dims));
  });
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const node = b.node(
    { op, domain: 'mp', inputs: values, attributes: Object.entries(attributes) },
    names,
  );
  for (const value of node.outputs) b.output(value);
  return { model, feeds };
}

async function check(...args: Parameters<typeof build>): Promise<string[]> {
  const { model, feeds } = build(...args);
  const bytes = (await writeModel(model, { format: 'onnx' })) as Uint8Array;
  const theirs = await runModel(bytes, feeds);
  const session = createSession(model);
  const ours = session.run(feeds);
  for (const [name, wanted] of Object.entries(theirs)) {
    const got = ours[name]!;
    assert.equal(got.dims, wanted.dims, name);
    const [a, b] = [got.data as Float32Array, wanted.data as Float32Array];
    const worst = a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
    assert.ok(worst < 2e-6, `${name}: ${worst}`);
  }
  assert.is(Object.keys(theirs).length, args[3]);
  return session.profile(feeds).map(({ kernel }) => kernel);
}

interface Lstm {
  cells: number;
  outputs?: number;
  projectionBias?: boolean;
  isCoupled?: boolean;
  peepholes?: boolean;
  norm?: boolean;
}

const [batch, steps, inner] = [2, 5, 3];
const none = null;

/** Weights 1–17 of a direction. */
function weights({ cells: u, outputs: o = u, ...form }: Lstm): (number[] | null)[] {
  const w = [u, inner];
  const r = [u, o];
  const p = form.peepholes === true ? [u] : none;
  const first = (dims: number[]): number[] | null => (form.isCoupled === true ? none : dims);
  return [
    ...[first(w), w, w, w, first(r), r, r, r],
    ...[form.isCoupled === true ? none : p, p, p],
    ...[first([u]), [u], [u], [u]],
    o === u ? none : [o, u],
    form.projectionBias === true ? [o] : none,
  ];
}

function lstm(x: number[], form: Lstm): (number[] | null)[] {
  const { cells: u, outputs: o = u } = form;
  const norm = form.norm === true ? [u] : none;
  const first = form.isCoupled === true ? none : norm;
  return [x, ...weights(form), [batch, o], [batch, u], first, norm, norm, norm];
}

const tanh = { activation: text('Tanh') };
const major = { time_major: int(1) };

recurrent('LSTMs that are one of ONNX', async () => {
  const x = [batch, steps, inner];
  const forms: [string, Lstm, Record<string, Attribute>][] = [
    ['plain', { cells: 4 }, tanh],
    ['with peepholes', { cells: 4, peepholes: true }, tanh],
    ['coupled', { cells: 4, isCoupled: true }, tanh],
    ['coupled, with peepholes', { cells: 4, isCoupled: true, peepholes: true }, tanh],
    ['with Relu', { cells: 4 }, { activation: text('Relu') }],
  ];
  for (const [, form, attributes] of forms)
    await check('UnidirectionalSequenceLSTM', lstm(x, form), [0, 18, 19], 3, attributes);
  await check('LSTM', lstm([batch, inner], { cells: 4 }), [0, 18, 19], 3, tanh);
  const turned = lstm([steps, batch, inner], { cells: 4 });
  await check('UnidirectionalSequenceLSTM', turned, [0, 18, 19], 3, { ...tanh, ...major });
});

recurrent('LSTMs that ONNX has only as a Scan', async () => {
  const x = [batch, steps, inner];
  const all = { cells: 4, outputs: 3, projectionBias: true, peepholes: true, norm: true };
  const clips = { cell_clip: float(0.3), proj_clip: float(0.2) };
  for (const form of [all, { ...all, isCoupled: true }, { cells: 4, norm: true }]) {
    const inputs = lstm(x, form);
    await check('UnidirectionalSequenceLSTM', inputs, [0, 18, 19], 3, { ...tanh, ...clips });
  }
  for (const isCoupled of [false, true]) {
    const projected = {
      cells: 4,
      outputs: 3,
      projectionBias: !isCoupled,
      peepholes: true,
      isCoupled,
    };
    for (const layout of [x, [steps, batch, inner]]) {
      const attributes = { ...tanh, ...clips, ...(layout === x ? {} : major) };
      const inputs = lstm(layout, projected);
      const kernels = await check('UnidirectionalSequenceLSTM', inputs, [0, 18, 19], 3, attributes);
      assert.equal(kernels, ['f32_gemm, tflite lstm']);
    }
  }
  const turned = lstm([steps, batch, inner], all);
  await check('UnidirectionalSequenceLSTM', turned, [0, 18, 19], 3, { ...tanh, ...major });
  const limited = { activation: text('Clip'), activation_min: float(-1), activation_max: float(1) };
  await check('UnidirectionalSequenceLSTM', lstm(x, { cells: 4 }), [0, 18, 19], 3, limited);
  await check('LSTM', lstm([batch, inner], all), [0, 18, 19], 3, { ...tanh, ...clips });
});

recurrent('LSTMs in both directions', async () => {
  const both = (form: Lstm, extra: (number[] | null)[]): (number[] | null)[] => {
    const [h, s] = [
      [batch, form.outputs ?? form.cells],
      [batch, form.cells],
    ];
    const own = weights(form);
    return [[steps, batch, inner], ...own, ...own, h, s, h, s, ...extra];
  };
  const fed = [0, 35, 36, 37, 38, 39];
  const other = [steps, batch, inner];
  const eight = new Array<number[]>(8).fill([4, inner]);
  for (const merged of [0, 1]) {
    const attributes = { ...tanh, merge_outputs: int(merged) };
    for (const extra of [[], [other], [other, ...eight]])
      await check(
        'BidirectionalSequenceLSTM',
        both({ cells: 4 }, extra),
        fed,
        6 - merged,
        attributes,
      );
    const projected = both({ cells: 4, outputs: 2 }, []);
    await check('BidirectionalSequenceLSTM', projected, fed, 6 - merged, attributes);
  }
});

recurrent('plain recurrent layers', async () => {
  const rest = [[4, inner], [4, 4], [4], [batch, 4]];
  for (const activation of ['Tanh', 'Relu', 'none']) {
    const attributes = { activation: text(activation) };
    await check('RNN', [[batch, inner], ...rest], [0, 4], 2, attributes);
    await check(
      'UnidirectionalSequenceRNN',
      [[batch, steps, inner], ...rest],
      [0, 4],
      2,
      attributes,
    );
  }
  const both = [[steps, batch, inner], ...rest, ...rest];
  const other = [steps, batch, inner];
  const crossed = [other, [4, inner], [4, inner]];
  for (const extra of [[], [other], crossed])
    await check('BidirectionalSequenceRNN', [...both, ...extra], [0, 4, 8, 9], 4, {
      ...tanh,
      ...major,
    });
});

recurrent('LSTM of one matrix, and SVDF', async () => {
  const basic = [[batch, inner], [batch, 4], [16, inner + 4], [16], [batch, 4]];
  await check('BasicLSTM', basic, [0, 1, 4], 6, tanh);
  const svdf = [[batch, inner], [6, inner], [6, 5], [3], [batch, 30]];
  await check('SVDF', svdf, [0, 4], 2, { rank: int(2), activation: text('Relu') });
});

recurrent.run();
