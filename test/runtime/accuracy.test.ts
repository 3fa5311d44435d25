import { gunzipSync, inflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { createSession } from '../../src/runtime/index.ts';
import { sharedFile } from '../shared.ts';

/** Trained models on test images, with the accuracies that their authors' runtimes have. */

const accuracy = suite('accuracy of trained models');

/** Members of a zip file without data descriptors. */
function members(zip: Uint8Array): Map<string, Uint8Array> {
  const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
  const found = new Map<string, Uint8Array>();
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < bytes.readUInt16LE(end + 10); i++) {
    const size = bytes.readUInt32LE(at + 20);
    const [name, extra, comment] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ];
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + size);
    const isDeflated = bytes.readUInt16LE(at + 10) === 8;
    const text = bytes.toString('latin1', at + 46, at + 46 + name);
    found.set(text, isDeflated ? inflateRawSync(stored) : stored);
    at += 46 + name + extra + comment;
  }
  return found;
}

interface Images {
  readonly x: Float32Array;
  readonly labels: readonly number[];
  readonly dims: readonly number[];
}

function mnist(): Images | null {
  const images = sharedFile('datasets/mnist/test-images-idx3-ubyte.gz');
  const labels = sharedFile('datasets/mnist/test-labels-idx1-ubyte.gz');
  if (images === null || labels === null) return null;
  const pixels = gunzipSync(images).subarray(16);
  const x = Float32Array.from(pixels, (value) => (value / 255 - 0.1307) / 0.3081);
  return { x, labels: [...gunzipSync(labels).subarray(8)], dims: [1, 28, 28] };
}

function cifar(): Images | null {
  const file = sharedFile('datasets/cifar10/test.npz');
  if (file === null) return null;
  const arrays = [...members(file).values()].map((bytes) => readNpy(new Uint8Array(bytes)));
  const images = arrays.find(({ dims }) => dims.length === 4)!;
  const labels = arrays.find(({ dims }) => dims.length === 1)!;
  const pixels = images.data as Uint8Array;
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const isLast = images.dims[3] === 3;
  const x = new Float32Array(pixels.length);
  for (let i = 0; i < x.length; i++) {
    const [n, c, p] = [Math.floor(i / 3072), Math.floor(i / 1024) % 3, i % 1024];
    const value = pixels[n * 3072 + (isLast ? p * 3 + c : c * 1024 + p)]!;
    x[i] = (value / 255 - mean[c]!) / deviation[c]!;
  }
  return { x, labels: Array.from(labels.data as ArrayLike<number>, Number), dims: [3, 32, 32] };
}

async function share(name: string, { x, labels, dims }: Images): Promise<number> {
  const session = createSession(await readModel(sharedFile(`onnx-models/${name}.onnx`)!));
  const input = session.inputs[0]!.name;
  const size = dims.reduce((product, dim) => product * dim, 1);
  const batch = 100;
  let right = 0;
  for (let first = 0; first < labels.length; first += batch) {
    const count = Math.min(batch, labels.length - first);
    const images = x.subarray(first * size, (first + count) * size);
    const scores = session.run({ [input]: new Tensor('float32', images, [count, ...dims]) })[
      session.outputs[0]!.name
    ]!;
    const classes = scores.dims[1]!;
    for (let i = 0; i < count; i++) {
      const row = Array.from({ length: classes }, (_, k) => Number(scores.data[i * classes + k]));
      if (row.indexOf(Math.max(...row)) === labels[first + i]) right++;
    }
  }
  session.dispose();
  return right / labels.length;
}

for (const [name, images, expected] of [
  ['mnist_conv3_burn', mnist, 0.9906],
  ['resnet20_cifar10', cifar, 0.8135],
  ['resnet32_cifar10', cifar, 0.838],
] as const) {
  accuracy(`${name}: ${expected}`, async () => {
    const found = images();
    if (found === null) return;
    assert.is((await share(name, found)).toFixed(4), expected.toFixed(4));
  });
}

accuracy.run();
