import { gunzipSync, inflateRawSync } from 'node:zlib';
import { Tensor } from '../../src/core/tensor.ts';
import { readNpy } from '../../src/formats/npy.ts';
import type { Model } from '../../src/ir/model.ts';
import { createSession } from '../../src/runtime/index.ts';
import { sharedFile } from '../shared.ts';

/** Images as a model takes them, and what they show. */
export interface Images {
  count: number;
  batch(from: number, count: number): Tensor;
  labels: Uint8Array;
}

/** MNIST, normalized as its models were trained. */
export function mnist(part: 'train' | 't10k'): Images {
  const name = part === 'train' ? 'train' : 'test';
  const open = (kind: string, rank: number): Uint8Array =>
    gunzipSync(sharedFile(`datasets/mnist/${name}-${kind}-idx${rank}-ubyte.gz`)!);
  const pixels = open('images', 3).subarray(16);
  const labels = open('labels', 1).subarray(8);
  const size = 28 * 28;
  return {
    count: labels.length,
    labels,
    batch(from, count) {
      const part = pixels.subarray(from * size, (from + count) * size);
      const data = Float32Array.from(part, (pixel) => (pixel / 255 - 0.1307) / 0.3081);
      return new Tensor('float32', data, [count, 1, 28, 28]);
    },
  };
}

/** CIFAR-10, channels first, with the mean and deviation of ImageNet. */
export function cifar(part: 'train-lossless' | 'test'): Images {
  const zip = sharedFile(`datasets/cifar10/${part}.npz`)!;
  const pixels = entry(zip, 'x.npy').data as Uint8Array;
  const labels = entry(zip, 'y.npy').data as Uint8Array;
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const size = 32 * 32;
  return {
    count: labels.length,
    labels,
    batch(from, count) {
      const data = new Float32Array(count * size * 3);
      for (let image = 0; image < count; image++)
        for (let i = 0; i < size; i++)
          for (let c = 0; c < 3; c++) {
            const pixel = pixels[((from + image) * size + i) * 3 + c]! / 255;
            data[(image * 3 + c) * size + i] = (pixel - mean![c]!) / deviation![c]!;
          }
      return new Tensor('float32', data, [count, 3, 32, 32]);
    },
  };
}

/** Channels last and 0 to 255, as the reference model of MLPerf Tiny takes them. */
export function raw(images: Images): Images {
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  return {
    ...images,
    batch(from, count) {
      const planes = images.batch(from, count);
      const data = new Float32Array(planes.data.length);
      for (let i = 0; i < data.length; i++) {
        const [image, c, at] = [Math.floor(i / 3072), Math.floor(i / 1024) % 3, i % 1024];
        const real = Number(planes.data[i]) * deviation![c]! + mean![c]!;
        data[image * 3072 + at * 3 + c] = Math.round(real * 255);
      }
      return new Tensor('float32', data, [count, 32, 32, 3]);
    },
  };
}

/** One file of a zip archive whose entries have their sizes in front. */
function entry(zip: Uint8Array, name: string): Tensor {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  let end = zip.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const length = view.getUint16(at + 28, true);
    const found = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + length));
    if (found === name) {
      const local = view.getUint32(at + 42, true);
      const start =
        local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const packed = zip.subarray(start, start + view.getUint32(at + 20, true));
      return readNpy(new Uint8Array(inflateRawSync(packed)));
    }
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  throw new Error(`${name} is not in the archive`);
}

/** Classes that a session sees in images. */
export function classesOf(model: Model, images: Images, count: number): Uint8Array {
  const session = createSession(model);
  const [input, output] = [session.inputs[0]!.name, session.outputs[0]!.name];
  const classes = new Uint8Array(count);
  for (let from = 0; from < count; from += 50) {
    const size = Math.min(50, count - from);
    const result = session.run({ [input]: images.batch(from, size) })[output] as Tensor;
    classes.set(topOf(result), from);
  }
  session.dispose();
  return classes;
}

/** The index of the largest number of each row. */
export function topOf({ data, dims }: Tensor): Uint8Array {
  const width = dims.at(-1)!;
  return Uint8Array.from({ length: data.length / width }, (_, row) => {
    const numbers = (data as Float32Array).subarray(row * width, (row + 1) * width);
    return numbers.indexOf(Math.max(...numbers));
  });
}

/** Share of the first classes that are right. */
export function accuracy(classes: Uint8Array, { labels }: Images): number {
  return classes.reduce((sum, value, i) => sum + (value === labels[i] ? 1 : 0), 0) / classes.length;
}
