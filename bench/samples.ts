// Inputs for models whose own data is nowhere to be had: the published reference input, and plausible ones made of other
// data: CIFAR-10 images resized, sources of this package as files to recognize, a voice-like sound. Seeded.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../src/core/random.ts';
import { Tensor } from '../src/core/tensor.ts';
import { readModel } from '../src/formats/index.ts';
import { readNpy } from '../src/formats/npy.ts';
import type { Feeds } from '../src/runtime/runner.ts';
import { createSession } from '../src/runtime/session.ts';
import { cifar, mnist } from '../test/compress/classifiers.ts';
import { sharedData, sharedFile } from '../test/shared.ts';

/** Inputs of a model for calibration, and others to test on. */
export interface Samples {
  calibration: Feeds[];
  test: Feeds[];
}

type Make = (count: number) => Feeds[] | Promise<Feeds[]>;

/** An image of real numbers, channels first. */
interface Picture {
  data: Float32Array;
  height: number;
  width: number;
}

/** CIFAR-10 images as red, green and blue from 0 to 1. */
function pictures(count: number): Picture[] {
  const images = cifar('train-lossless');
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  return Array.from({ length: count }, (_, i) => {
    const planes = images.batch((i * 37) % images.count, 1).data as Float32Array;
    const data = planes.map(
      (x, at) => x * deviation[Math.floor(at / 1024)]! + mean[Math.floor(at / 1024)]!,
    );
    return { data, height: 32, width: 32 };
  });
}

/** Several pictures, one in each quarter or fifth: details of more than one size. */
function collage(parts: readonly Picture[], height: number, width: number): Picture {
  const columns = Math.max(1, Math.round((width / height) * 2));
  const cell = { height: height / 2, width: width / columns };
  const data = new Float32Array(3 * height * width);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [row, column] = [Math.floor(y / cell.height), Math.floor(x / cell.width)];
        const part = parts[(row * columns + column) % parts.length]!;
        const v = ((y - row * cell.height) / cell.height) * (part.height - 1);
        const u = ((x - column * cell.width) / cell.width) * (part.width - 1);
        data[(c * height + y) * width + x] = between(part, c, v, u);
      }
  return { data, height, width };
}

/** Bilinear. */
function between({ data, height, width }: Picture, c: number, v: number, u: number): number {
  const [y, x] = [Math.min(Math.floor(v), height - 2), Math.min(Math.floor(u), width - 2)];
  const at = (row: number, column: number): number => data[(c * height + row) * width + column]!;
  const top = at(y, x) * (1 - u + x) + at(y, x + 1) * (u - x);
  const bottom = at(y + 1, x) * (1 - u + x) + at(y + 1, x + 1) * (u - x);
  return top * (1 - v + y) + bottom * (v - y);
}

const collages = (count: number, height: number, width: number): Picture[] => {
  const all = pictures(count * 8);
  return Array.from({ length: count }, (_, i) => {
    // Every second one is a single picture.
    const parts = i % 2 === 0 ? all.slice(8 * i, 8 * i + 8) : [all[8 * i]!];
    return collage(parts, height, width);
  });
};

/** Lines of MNIST's digits, dark on light, as one would write them. */
function lines(count: number, height: number, width: number): Picture[] {
  const images = mnist('train');
  const digits = images.batch(0, 512).data as Float32Array;
  const next = random(5);
  return Array.from({ length: count }, () => {
    const data = new Float32Array(3 * height * width).fill(0.75 + 0.25 * next.uniform());
    const ink = 0.5 * next.uniform();
    const step = height * (0.55 + 0.3 * next.uniform());
    const letters = Math.floor((width / step) * (0.3 + 0.7 * next.uniform()));
    for (let letter = 0; letter < letters; letter++) {
      const digit = next.below(512);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < height && letter * step + x < width; x++) {
          const pixel =
            digits[
              digit * 784 + Math.floor((y * 28) / height) * 28 + Math.floor((x * 28) / height)
            ]!;
          const dark = Math.max(0, Math.min(1, pixel * 0.3081 + 0.1307));
          for (let c = 0; c < 3; c++) {
            const at = (c * height + y) * width + Math.floor(letter * step + x);
            data[at] = data[at]! * (1 - dark) + ink * dark;
          }
        }
    }
    return { data, height, width };
  });
}

const feedsOf = (
  name: string,
  images: readonly Picture[],
  value: (x: number) => number,
  isChannelsLast = false,
): Feeds[] =>
  images.map(({ data, height, width }) => {
    const size = height * width;
    const numbers = isChannelsLast
      ? Float32Array.from(data, (_, i) => value(data[(i % 3) * size + Math.floor(i / 3)]!))
      : data.map(value);
    const dims = isChannelsLast ? [1, height, width, 3] : [1, 3, height, width];
    return { [name]: new Tensor('float32', numbers, dims) };
  });

/** The bytes of files as Magika reads them: 1,024 of each end, 256 where there are none. */
function files(count: number): Feeds[] {
  const paths = [
    'src',
    'test',
    'assembly',
    'node_modules/typescript',
    '../shared/data',
    'node_modules/protobufjs',
  ]
    .flatMap((folder) => {
      try {
        return readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name));
      } catch {
        return [];
      }
    })
    .sort();
  return Array.from({ length: count }, (_, i) => {
    const bytes = readFileSync(paths[Math.floor((i * paths.length) / count)]!);
    const tokens = new Int32Array(2048).fill(256);
    tokens.set(bytes.subarray(0, 1024));
    const end = bytes.subarray(-1024);
    tokens.set(end, 2048 - end.length);
    return { bytes: new Tensor('int32', tokens, [1, 2048]) };
  });
}

/** A voice-like sound in pieces, with pauses, and what the model remembers when it hears each. */
async function speech(file: string, count: number): Promise<Feeds[]> {
  const next = random(9);
  const session = createSession(await readModel(sharedFile(`onnx-models/${file}.onnx`)!));
  const feeds: Feeds[] = [];
  let state = new Tensor('float32', new Float32Array(256), [2, 1, 128]);
  let phase = 0;
  const formants = [500, 1500, 2500].map((frequency) => frequency * (0.8 + 0.4 * next.uniform()));
  for (let i = 0; i < count * 4; i++) {
    const isVoiced = Math.floor(i / 9) % 3 !== 2;
    const pitch = 90 + 120 * next.uniform();
    const sound = new Float32Array(512);
    for (let t = 0; t < 512; t++) {
      phase += pitch / 16000;
      let x = 0;
      for (let harmonic = 1; harmonic < 30; harmonic++) {
        const frequency = harmonic * pitch;
        const near = Math.max(...formants.map((f) => 1 / (1 + ((frequency - f) / 120) ** 2)));
        x += (near + 0.02) * Math.sin(2 * Math.PI * harmonic * phase);
      }
      sound[t] = (isVoiced ? 0.12 * x : 0) + 0.01 * (next.uniform() - 0.5);
    }
    const one: Feeds = {
      input: new Tensor('float32', sound, [1, 512]),
      state,
      sr: new Tensor('int64', [16000n], []),
    };
    if (i % 4 === 1) feeds.push(one);
    state = session.run(one).stateN as Tensor;
  }
  session.dispose();
  return feeds;
}

const gray = ({ data, height, width }: Picture): Float32Array => {
  const size = height * width;
  return Float32Array.from(
    { length: size },
    (_, i) => 0.299 * data[i]! + 0.587 * data[size + i]! + 0.114 * data[2 * size + i]!,
  );
};

const makers: Readonly<Record<string, Make>> = {
  'version-RFB-320': (count) =>
    feedsOf('input', collages(count, 240, 320), (x) => (x * 255 - 127) / 128),
  blazeface_front_128: (count) =>
    feedsOf('input:0', collages(count, 128, 128), (x) => 2 * x - 1, true),
  'ch_ppocr_mobile_v2.0_cls_infer': (count) =>
    feedsOf('x', lines(count, 48, 192), (x) => 2 * x - 1),
  'ch_PP-OCRv4_rec_infer': (count) => feedsOf('x', lines(count, 48, 320), (x) => 2 * x - 1),
  silero_vad_16k_op15: (count) => speech('silero_vad_16k_op15', count),
  magika_standard_v3_3: files,
  super_resolution: (count) =>
    collages(count, 224, 224).map((picture) => ({
      1: new Tensor('float32', gray(picture), [1, 1, 224, 224]),
    })),
  mnist_conv3_burn: (count) => batches(mnist('train'), count, 'input'),
  resnet20_cifar10: (count) => batches(cifar('train-lossless'), count, 'input'),
  resnet32_cifar10: (count) => batches(cifar('train-lossless'), count, 'input'),
};

const batches = (images: ReturnType<typeof cifar>, count: number, name: string): Feeds[] =>
  Array.from({ length: count }, (_, i) => ({ [name]: images.batch(i, 1) }));

/** Models that inputs can be made for. */
export const sampled: readonly string[] = Object.keys(makers);

/** @param count  samples for calibration; a quarter as many are for the test, and the published input where there is one */
export async function samplesFor(file: string, count: number): Promise<Samples> {
  const tests = Math.ceil(count / 4);
  const all = await makers[file]!(count + tests);
  const every = Math.ceil(all.length / tests);
  const test = all.filter((_, i) => i % every === every - 1);
  const calibration = all.filter((_, i) => i % every !== every - 1).slice(0, count);
  const names = Object.keys(all[0]!);
  const root = sharedData();
  const paths = names.map((_, i) => `onnx-models/refs/${file}/input_${i}.npy`);
  if (root !== null && paths.every((path) => existsSync(root + path)))
    test.push(Object.fromEntries(names.map((name, i) => [name, readNpy(sharedFile(paths[i]!)!)])));
  return { calibration, test };
}
