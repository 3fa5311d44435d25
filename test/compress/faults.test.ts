import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../src/compress/index.ts';
import { lossless } from '../../src/compress/lossless.ts';
import { linearLayers } from '../../src/compress/sensitivity/linear.ts';
import { bytesOf, Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { clone, constantOf, Edit, type Model } from '../../src/ir/index.ts';
import { floatsOf } from '../../src/passes/constants.ts';
import type { CauseCode } from '../../src/report/index.ts';
import type { Feeds } from '../../src/runtime/index.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { cifar, type Images, mnist, raw } from './classifiers.ts';
import { quantizeNaively } from './naive.ts';

/** Faults that are planted in real models, and what `explain` calls them. */

const x = suite('planted faults');
const root = sharedData();

interface Case {
  reference: Model;
  quantized: Model;
  samples: Feeds[];
}
interface Row {
  name: string;
  code: CauseCode;
  /** What its first sentence must say. */
  text: RegExp;
  make(): Promise<Case>;
}

const model = async (path: string): Promise<Model> => readModel(sharedFile(path)!);
const resnet = (): Promise<Model> => model('onnx-models/resnet20_cifar10.onnx');
const digits = (): Promise<Model> => model('onnx-models/mnist_conv3_burn.onnx');
const tiny = (): Promise<Model> => model('tflite-models/mlperf-tiny/ic_resnet8_fp32.tflite');

function feeds(
  { graph }: Model,
  images: Images,
  from: number,
  count: number,
  change: (tensor: Tensor) => Tensor = (tensor) => tensor,
): Feeds[] {
  const name = graph.inputs[0]!.name;
  return Array.from({ length: count }, (_, i) => ({ [name]: change(images.batch(from + i, 1)) }));
}

const mapped =
  (f: (value: number, index: number, tensor: Tensor) => number) =>
  (tensor: Tensor): Tensor => {
    const data = Float32Array.from(tensor.data as Float32Array, (value, i) => f(value, i, tensor));
    return new Tensor('float32', data, tensor.dims);
  };

/** Pixels from 0 to 1 of normalized CIFAR images. */
const pixel = (value: number, index: number): number => {
  const c = Math.floor(index / 1024) % 3;
  return value * [0.229, 0.224, 0.225][c]! + [0.485, 0.456, 0.406][c]!;
};

/** A quantized model through its file. */
const written = async (made: Model): Promise<Model> => readModel(await writeModel(made));

async function changed(
  from: Model,
  layer: number,
  change: (weights: Float32Array, bias: Float32Array, shape: readonly number[]) => void,
): Promise<Model> {
  const copy = clone(from);
  const found = linearLayers(copy)[layer]!;
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const weights = (await floatsOf(found.constant)).slice();
  const bias = (await floatsOf(found.bias!.constant!)).slice();
  change(weights, bias, found.constant.shape);
  const { shape } = found.constant;
  edit.setConstant(found.weight, constantOf('float32', shape, bytesOf(weights)));
  edit.setConstant(found.bias!, constantOf('float32', [bias.length], bytesOf(bias)));
  edit.commit();
  return copy;
}

/** One output channel of a convolution times a factor, and the next one's weights for it divided by it. */
async function withOutlier(from: Model, layer: number, at: number, factor: number): Promise<Model> {
  const first = await changed(from, layer, (weights, bias, shape) => {
    const size = weights.length / shape[0]!;
    for (let i = at * size; i < (at + 1) * size; i++) weights[i]! *= factor;
    bias[at]! *= factor;
  });
  return changed(first, layer + 1, (weights, _, [out, , ...taps]) => {
    const inner = taps.reduce((a, b) => a * b, 1);
    const inputs = weights.length / out! / inner;
    for (let o = 0; o < out!; o++)
      for (let t = 0; t < inner; t++) weights[(o * inputs + at) * inner + t]! /= factor;
  });
}

/** What a block adds is a constant more, and the next block takes it away again. */
async function withOffset(from: Model, layer: number, offset: number): Promise<Model> {
  const first = await changed(from, layer, (_, bias) => {
    for (let i = 0; i < bias.length; i++) bias[i]! += offset;
  });
  const second = await changed(first, layer + 1, (weights, bias) => {
    const size = weights.length / bias.length;
    weights.forEach((weight, i) => {
      bias[Math.floor(i / size)]! -= offset * weight;
    });
  });
  return changed(second, layer + 2, (_, bias) => {
    for (let i = 0; i < bias.length; i++) bias[i]! -= offset;
  });
}

const resnetCase = async (
  change: (tensor: Tensor) => Tensor,
  seen: (tensor: Tensor) => Tensor = change,
): Promise<Case> => {
  const reference = await resnet();
  const images = cifar('train-lossless');
  const calibration = feeds(reference, images, 0, 16, change);
  const quantized = await quantizeNaively(reference, { calibration });
  return { reference, quantized, samples: feeds(reference, images, 300, 8, seen) };
};

const digitsCase = async (
  reference: Model,
  options: Partial<Parameters<typeof quantizeNaively>[1]> = {},
): Promise<Case> => {
  const images = mnist('train');
  const calibration = feeds(reference, images, 0, 32);
  const quantized = await quantizeNaively(reference, { calibration, ...options });
  return { reference, quantized, samples: feeds(reference, images, 300, 8) };
};

const rows: readonly Row[] = [
  {
    name: 'ResNet-20: pixels are not divided by 255',
    code: 'preprocessing',
    text: /division by 255 is missing/,
    make: () => resnetCase(mapped((v, i) => 255 * pixel(v, i) * 4.4)),
  },
  {
    name: 'ResNet-20: mean and deviation are not applied',
    code: 'preprocessing',
    text: /mean and deviation|−1 … 1/,
    make: () => resnetCase(mapped(pixel)),
  },
  {
    name: 'ResNet-20: channels last where they are to be first',
    code: 'preprocessing',
    text: /channels are last/,
    make: () =>
      resnetCase(mapped((_, i, { data }) => Number(data[(i % 3) * 1024 + Math.floor(i / 3)]))),
  },
  {
    name: 'ResNet-20: only the calibration samples were not normalized',
    code: 'preprocessing',
    text: /calibration samples were not prepared.*mean and deviation/,
    make: () => resnetCase(mapped(pixel), (tensor) => tensor),
  },
  {
    name: 'MNIST: one channel is an outlier',
    code: 'outlier-channel',
    text: /channel 5 of .*times the median/,
    make: async () => digitsCase(await withOutlier(await digits(), 0, 5, 150)),
  },
  {
    name: 'MNIST: channels without weights',
    code: 'dead-channel',
    text: /3 of 16 channels .* are dead \(channels 2, 7, 11\)/,
    make: async () =>
      digitsCase(
        await changed(await digits(), 1, (weights, _, shape) => {
          const size = weights.length / shape[0]!;
          for (const at of [2, 7, 11]) weights.fill(1e-25, at * size, (at + 1) * size);
        }),
      ),
  },
  {
    name: 'ResNet-20: a branch that is added is far from the other',
    code: 'residual-mismatch',
    text: /adds .* and /,
    make: async () => {
      const reference = await withOffset(await resnet(), 4, 20);
      const images = cifar('train-lossless');
      const calibration = feeds(reference, images, 0, 16);
      const quantized = await quantizeNaively(reference, { calibration });
      return { reference, quantized, samples: feeds(reference, images, 300, 3) };
    },
  },
  {
    name: 'MNIST: a bias that int32 can not hold',
    code: 'bias-clamp',
    text: /bias of channel 4 .* is cut off/,
    make: async () =>
      digitsCase(
        await changed(await digits(), 1, (weights, bias, shape) => {
          const size = weights.length / shape[0]!;
          for (let i = 4 * size; i < 5 * size; i++) weights[i]! *= 1e-8;
          bias[4] = 2;
        }),
      ),
  },
  {
    name: 'ResNet-20: calibration with one dark image',
    code: 'few-samples',
    text: /too few, or unlike/,
    make: async () => {
      const reference = await resnet();
      const images = cifar('train-lossless');
      const dark = mapped((v) => -1.9 + 0.05 * v);
      const calibration = feeds(reference, images, 0, 1, dark);
      const quantized = await quantizeNaively(reference, { calibration });
      return { reference, quantized, samples: feeds(reference, images, 300, 3) };
    },
  },
  {
    name: 'MNIST: ranges are cut too hard',
    code: 'clipping',
    text: /everywhere alike/,
    make: async () =>
      digitsCase(await digits(), {
        adjust: ({ min, max }) => ({ min: 0.4 * min, max: 0.4 * max }),
      }),
  },
  {
    name: 'MNIST: one scale for weights of very different channels',
    code: 'per-tensor-weights',
    text: /channel 5 are .* times the median/,
    make: async () =>
      digitsCase(await withOutlier(await digits(), 0, 5, 40), {
        calibration: null,
        perTensor: true,
      }),
  },
  {
    name: 'MNIST: the scale of weights is wrong in a file',
    code: 'wrong-levels',
    text: /1\.25 times .*scale is wrong/,
    make: async () => {
      const made = await digitsCase(await digits());
      return { ...made, quantized: scaled(await written(made.quantized), 1, 1.25) };
    },
  },
  {
    name: 'MNIST: a zero point is not the one that was quantized with',
    code: 'wrong-levels',
    text: /zero point -128, but dequantized .* -98/,
    make: async () => {
      const made = await digitsCase(await digits());
      return { ...made, quantized: shifted(await written(made.quantized), 30) };
    },
  },
  {
    name: 'MNIST: signed weights are taken for unsigned ones',
    code: 'sign-mix-up',
    text: /signed integers are read as unsigned/,
    make: async () => {
      const made = await digitsCase(await digits());
      return { ...made, quantized: await mixed(await written(made.quantized), 1) };
    },
  },
  {
    name: 'MNIST: a BatchNormalization behind a convolution is not folded',
    code: 'unfolded-batchnorm',
    text: /is not folded into the weights/,
    make: async () => digitsCase(await withNormalization(await digits())),
  },
];

function scaled(made: Model, layer: number, factor: number): Model {
  return withScale(made, layer, (scale) => scale.map((size) => size * factor));
}

/** The DequantizeLinear of the n-th product's weights. */
function weightReader(made: Model, layer: number): Model['graph']['nodes'][number] {
  const products = made.graph.nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm');
  return products[layer]!.inputs[1]!.producer!;
}

function withScale(
  made: Model,
  layer: number,
  change: (scale: Float32Array) => Float32Array,
): Model {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = weightReader(copy, layer);
  const { constant } = node.inputs[1]!;
  const bytes = constant!.data.read(0, constant!.data.size) as Uint8Array;
  const scale = change(new Float32Array(bytes.slice().buffer));
  const value = edit.addConstant(
    copy.graph,
    'planted_scale',
    constantOf('float32', constant!.shape, bytesOf(scale)),
  );
  edit.setInput(node, 1, value);
  edit.commit();
  return copy;
}

/** The DequantizeLinear behind the first Relu has another zero point than its QuantizeLinear. */
function shifted(made: Model, by: number): Model {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = copy.graph.nodes.find(
    ({ op, inputs }) =>
      op === 'DequantizeLinear' && inputs[0]?.producer?.inputs[0]?.producer?.op === 'Relu',
  )!;
  const value = edit.addConstant(
    copy.graph,
    'planted_zero',
    constantOf('int8', [], Uint8Array.of(256 - 128 + by)),
  );
  edit.setInput(node, 2, value);
  edit.commit();
  return copy;
}

/** Levels as unsigned integers would have them, read as signed ones. */
async function mixed(made: Model, layer: number): Promise<Model> {
  const copy = clone(made);
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const node = weightReader(copy, layer);
  const { constant } = node.inputs[0]!;
  const bytes = (await constant!.data.read(0, constant!.data.size)).slice();
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i]! + 128) & 255;
  const value = edit.addConstant(
    copy.graph,
    'planted_levels',
    constantOf('int8', constant!.shape, bytes),
  );
  edit.setInput(node, 0, value);
  edit.commit();
  return copy;
}

/** A normalization that does nothing on the whole behind the second convolution. */
async function withNormalization(from: Model): Promise<Model> {
  const copy = await changed(from, 1, (weights, bias, shape) => {
    const size = weights.length / shape[0]!;
    weights.forEach((_, i) => {
      weights[i]! /= 1 + (Math.floor(i / size) % 4);
    });
    bias.forEach((_, i) => {
      bias[i]! /= 1 + (i % 4);
    });
  });
  const edit = new Edit(copy, { pass: 'test', rule: 'plant', reason: 'a fault' });
  const { node } = linearLayers(copy)[1]!;
  const output = node.outputs[0]!;
  const channels = 16;
  const add = (name: string, number: (i: number) => number): ReturnType<Edit['addConstant']> =>
    edit.addConstant(
      copy.graph,
      name,
      constantOf(
        'float32',
        [channels],
        bytesOf(Float32Array.from({ length: channels }, (_, i) => number(i))),
      ),
    );
  const made = edit.addNode(
    { after: node },
    {
      op: 'BatchNormalization',
      inputs: [
        output,
        add('bn_scale', (i) => 1 + (i % 4)),
        add('bn_bias', () => 0),
        add('bn_mean', () => 0),
        add('bn_var', () => 1),
      ],
    },
    [{ name: 'bn_planted', type: output.type }],
  );
  edit.replaceUses(output, made.outputs[0]!, ({ user }) => user !== made);
  edit.commit();
  return copy;
}

for (const { name, code, text, make } of root === null ? [] : rows) {
  x(name, async () => {
    const { reference, quantized, samples } = await make();
    const { causes } = await explain(reference, quantized, samples, {
      shareSamples: /MNIST/.test(name) ? 3 : 1,
    });
    const named = causes.find((cause) => cause.code === code);
    const all = causes.map((cause) => `${cause.severity} ${cause.code}: ${cause.text}`).join('\n');
    assert.ok(named !== undefined, all);
    assert.match(named!.text, text);
    const isAccurate = code === 'dead-channel' || code === 'unfolded-batchnorm';
    if (!isAccurate) assert.is(causes[0]!.code, code, all);
    if (process.env.SHOW) console.log(`\n${name}\n${all}`);
  });
}

if (root !== null) {
  const controls: [string, () => Promise<Case>][] = [
    ['MNIST', async () => digitsCase(await digits())],
    ['ResNet-20', () => resnetCase((tensor) => tensor)],
    [
      'MLPerf ResNet8',
      async () => {
        const reference = await tiny();
        await lossless(reference);
        const images = raw(cifar('train-lossless'));
        const quantized = await model('tflite-models/mlperf-tiny/ic_resnet8_int8.tflite');
        return { reference, quantized, samples: feeds(reference, images, 300, 8) };
      },
    ],
  ];
  for (const [name, make] of controls)
    x(`${name} without a fault: none is named`, async () => {
      const { reference, quantized, samples } = await make();
      const { causes } = await explain(reference, quantized, samples, { shareSamples: 4 });
      const all = causes.map((cause) => `${cause.severity} ${cause.code}: ${cause.text}`);
      if (process.env.SHOW) console.log(`\n${name}\n${all.join('\n')}`);
      assert.equal(
        all.filter((line) => line.startsWith('fault')),
        [],
      );
    });
}

x.run();
