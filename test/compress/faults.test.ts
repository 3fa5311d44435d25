import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../src/compress/index.ts';
import { lossless } from '../../src/compress/lossless.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/index.ts';
import type { CauseCode } from '../../src/report/index.ts';
import type { Feeds } from '../../src/runtime/index.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { cifar, type Images, mnist, raw } from './classifiers.ts';
import { quantizeNaively } from './naive.ts';
import {
  changed,
  mixed,
  scaled,
  shifted,
  withNormalization,
  withOffset,
  withOutlier,
} from './plant.ts';

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
      const reference = await withOffset(await resnet(), 4, 100);
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
      assert.equal(
        all.filter((line) => line.startsWith('fault')),
        [],
      );
    });
}

x.run();
