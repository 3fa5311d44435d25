// Models that are quantized, with samples that belong to them: images of MNIST, CIFAR-10, enlarged where a network takes larger ones.
import { Tensor } from '../../src/core/tensor.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { cifar, type Images, mnist } from '../../test/compress/classifiers.ts';

export interface Measured {
  readonly name: string;
  /** In the shared data. */
  readonly path: string;
  /** Whether a quick look leaves it out. */
  readonly slow?: boolean;
  /** Whether labels belong to the images: then `images` goes through the model as it is. */
  readonly labels?: boolean;
  images(part: 'train' | 'test'): Images;
}

type Part = 'train' | 'test';
type Pixel = (value: number) => number;

const cifarOf = (part: Part): Images => cifar(part === 'train' ? 'train-lossless' : 'test');
const mnistOf = (part: Part): Images => mnist(part === 'train' ? 'train' : 't10k');

/** Images of CIFAR-10 with 0 to 255, bilinearly enlarged. */
function enlarged(
  part: Part,
  height: number,
  width: number,
  channels: 1 | 3,
  isLast: boolean,
  as: Pixel,
): Images {
  const images = cifarOf(part);
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];
  const at = (size: number, i: number): [number, number] => {
    const place = Math.min(Math.max(((i + 0.5) * 32) / size - 0.5, 0), 31);
    return [Math.min(Math.floor(place), 30), place - Math.min(Math.floor(place), 30)];
  };
  return {
    ...images,
    batch(from, count) {
      const { data } = images.batch(from, count);
      const out = new Float32Array(count * channels * height * width);
      const pixel = (image: number, c: number, y: number, x: number): number =>
        (Number(data[((image * 3 + c) * 32 + y) * 32 + x]) * deviation[c]! + mean[c]!) * 255;
      // The luma of an image with one channel is its green.
      const source = (c: number): number => (channels === 1 ? 1 : c);
      for (let image = 0; image < count; image++)
        for (let c = 0; c < channels; c++)
          for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
              const [[y0, dy], [x0, dx]] = [at(height, y), at(width, x)];
              const line = (row: number): number =>
                pixel(image, source(c), row, x0) * (1 - dx) +
                pixel(image, source(c), row, x0 + 1) * dx;
              const value = as(line(y0) * (1 - dy) + line(y0 + 1) * dy);
              const index = isLast
                ? ((image * height + y) * width + x) * channels + c
                : ((image * channels + c) * height + y) * width + x;
              out[index] = value;
            }
      const dims = isLast ? [count, height, width, channels] : [count, channels, height, width];
      return new Tensor('float32', out, dims);
    },
  };
}

const onnx = (name: string): string => `onnx-models/${name}.onnx`;
const tiny = (name: string): string => `tflite-models/mlperf-tiny/${name}.tflite`;
const centered: Pixel = (value) => value / 127.5 - 1;

export const measured: readonly Measured[] = [
  { name: 'MNIST conv', path: onnx('mnist_conv3_burn'), labels: true, images: mnistOf },
  { name: 'ResNet-20, 32²', path: onnx('resnet20_cifar10'), labels: true, images: cifarOf },
  {
    name: 'ResNet-32, 32²',
    path: onnx('resnet32_cifar10'),
    labels: true,
    slow: true,
    images: cifarOf,
  },
  {
    name: 'RFB-320 face detector',
    path: onnx('version-RFB-320'),
    slow: true,
    images: (part) => enlarged(part, 240, 320, 3, false, (value) => (value - 127) / 128),
  },
  {
    name: 'BlazeFace, 128²',
    path: onnx('blazeface_front_128'),
    images: (part) => enlarged(part, 128, 128, 3, true, centered),
  },
  {
    name: 'PP-OCR direction',
    path: onnx('ch_ppocr_mobile_v2.0_cls_infer'),
    images: (part) => enlarged(part, 48, 192, 3, false, centered),
  },
  {
    name: 'super resolution, 224²',
    path: onnx('super_resolution'),
    slow: true,
    images: (part) => enlarged(part, 224, 224, 1, false, (value) => value / 255),
  },
  {
    name: 'MLPerf ResNet-8',
    path: tiny('ic_resnet8_fp32'),
    images: (part) => enlarged(part, 32, 32, 3, true, (value) => value),
  },
  {
    name: 'MLPerf visual wake words',
    path: tiny('vww_mobilenet_fp32'),
    images: (part) => enlarged(part, 96, 96, 3, true, (value) => value / 255),
  },
];

/** Feeds of a model's one input, one image each.
 *  @param apart  from an image to the next */
export function* samplesOf(
  input: string,
  images: Images,
  count: number,
  apart: number,
): Generator<Feeds> {
  for (let i = 0; i < count; i++) yield { [input]: images.batch((i * apart) % images.count, 1) };
}
