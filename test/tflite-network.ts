import { random } from '../src/core/random.ts';
import { encodeTflite } from '../src/formats/tflite/codec.ts';
import type { BuiltinOptions, ModelRecord, TensorRecord } from '../src/formats/tflite/records.ts';
import { builtinOperators, tensorTypes } from '../src/formats/tflite/schema-table.ts';

/** A small quantized network as the benchmarks of MLPerf Tiny have them, in a file: convolutions with steps, by channel
 *  and by pixel, a sum, an average, a product, softmax.
 *  @param levels  `int8`: weights with a scale for each channel; `uint8`: with zero points, as files before 2020 */
export function quantizedNetwork(levels: 'int8' | 'uint8'): Uint8Array {
  const net = new Network(levels);
  const image = net.activation('image', [1, 24, 20, 3], 0.0078, 0.5);
  const first = net.activation('first', [1, 12, 10, 12], 0.021, 0);
  net.conv(image, first, [12, 3, 3, 3], { strideW: 2, strideH: 2, fusedActivationFunction: 1 });
  const deep = net.activation('deep', [1, 12, 10, 12], 0.017, 0);
  net.depthwise(first, deep, [1, 3, 3, 12], { depthMultiplier: 1, fusedActivationFunction: 3 });
  const mixed = net.activation('mixed', [1, 12, 10, 12], 0.031, 0.4);
  net.conv(deep, mixed, [12, 1, 1, 12], {});
  const sum = net.activation('sum', [1, 12, 10, 12], 0.038, 0.3);
  net.operator('ADD', [first, mixed], sum, { type: 'AddOptions', value: {} });
  const wide = net.activation('wide', [1, 6, 5, 24], 0.029, 0.5);
  net.depthwise(sum, wide, [1, 5, 5, 24], { depthMultiplier: 2, strideW: 2, strideH: 2 });
  const narrow = net.activation('narrow', [1, 6, 5, 17], 0.027, 0);
  net.conv(wide, narrow, [17, 1, 1, 24], { fusedActivationFunction: 1 });
  const mean = net.activation('mean', [1, 1, 1, 17], 0.027, 0);
  const pool = { padding: 1, strideW: 5, strideH: 6, filterWidth: 5, filterHeight: 6 };
  net.operator('AVERAGE_POOL_2D', [narrow], mean, { type: 'Pool2DOptions', value: pool });
  const flat = net.activation('flat', [1, 17], 0.027, 0);
  net.operator('RESHAPE', [mean], flat, {
    type: 'ReshapeOptions',
    value: { newShape: Int32Array.of(1, 17) },
  });
  const scores = net.activation('scores', [1, 10], 0.018, 0.5);
  net.product(flat, scores, [10, 17]);
  const shares = net.activation('shares', [1, 10], 1 / 256, 0);
  net.operator('SOFTMAX', [scores], shares, { type: 'SoftmaxOptions', value: { beta: 1 } });
  return net.file(image, shares);
}

/** Versions of the operators on int8; on uint8 they are 1. */
const versions: Readonly<Record<string, number>> = {
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 3,
  ADD: 2,
  AVERAGE_POOL_2D: 2,
  FULLY_CONNECTED: 4,
  SOFTMAX: 2,
};

type Window = {
  strideW?: number;
  strideH?: number;
  fusedActivationFunction?: number;
  depthMultiplier?: number;
};

class Network {
  readonly #levels: 'int8' | 'uint8';
  readonly #source = random(23);
  readonly #tensors: TensorRecord[] = [];
  readonly #buffers: { data?: Uint8Array }[] = [{}];
  readonly #codes: number[] = [];
  readonly #operators: NonNullable<NonNullable<ModelRecord['subgraphs']>[number]['operators']> = [];

  constructor(levels: 'int8' | 'uint8') {
    this.#levels = levels;
  }

  /** @param below  share of the levels that stand for negative numbers */
  activation(name: string, shape: readonly number[], scale: number, below: number): number {
    const zero = Math.round(below * 255) - (this.#levels === 'int8' ? 128 : 0);
    return this.#tensor(name, this.#levels, shape, [scale], [zero]);
  }

  conv(from: number, to: number, shape: readonly number[], window: Window): void {
    const value = { strideW: 1, strideH: 1, dilationWFactor: 1, dilationHFactor: 1, ...window };
    const inputs = [from, ...this.#weights(from, shape, 0)];
    this.operator('CONV_2D', inputs, to, { type: 'Conv2DOptions', value });
  }

  depthwise(from: number, to: number, shape: readonly number[], window: Window): void {
    const value = { strideW: 1, strideH: 1, dilationWFactor: 1, dilationHFactor: 1, ...window };
    const inputs = [from, ...this.#weights(from, shape, 3)];
    this.operator('DEPTHWISE_CONV_2D', inputs, to, { type: 'DepthwiseConv2DOptions', value });
  }

  product(from: number, to: number, shape: readonly number[]): void {
    const inputs = [from, ...this.#weights(from, shape, null)];
    this.operator('FULLY_CONNECTED', inputs, to, { type: 'FullyConnectedOptions', value: {} });
  }

  operator(name: string, inputs: readonly number[], to: number, options: BuiltinOptions): void {
    const code = builtinOperators.indexOf(name);
    if (!this.#codes.includes(code)) this.#codes.push(code);
    this.#operators.push({
      opcodeIndex: this.#codes.indexOf(code),
      inputs: Int32Array.from(inputs),
      outputs: Int32Array.of(to),
      builtinOptions: options,
    });
  }

  file(input: number, output: number): Uint8Array {
    return encodeTflite({
      version: 3,
      description: 'a quantized network for tests',
      operatorCodes: this.#codes.map((code) => ({
        deprecatedBuiltinCode: code,
        builtinCode: code,
        version: this.#levels === 'int8' ? (versions[builtinOperators[code]!] ?? 1) : 1,
      })),
      subgraphs: [
        {
          name: 'main',
          tensors: this.#tensors,
          inputs: Int32Array.of(input),
          outputs: Int32Array.of(output),
          operators: this.#operators,
        },
      ],
      buffers: this.#buffers,
    });
  }

  /** Weights and bias of an operator on an input.
   *  @param axis  of the output channels; null where all weights have one scale */
  #weights(from: number, shape: readonly number[], axis: number | null): [number, number] {
    const outputs = shape[axis ?? 0]!;
    const isWhole = axis === null || this.#levels === 'uint8';
    const scale = Array.from({ length: isWhole ? 1 : outputs }, (_, i) => 0.0035 + 0.0002 * i);
    const zero = this.#levels === 'int8' ? 0 : 121;
    const count = shape.reduce((product, size) => product * size, 1);
    // Integers of a normal-like distribution in −127…127, around the zero point.
    const weights = Uint8Array.from({ length: count }, () => {
      const level = this.#source.below(86) + this.#source.below(86) + this.#source.below(85) - 127;
      return Math.min(Math.max(level + zero, zero === 0 ? -127 : 1), 255) & 255;
    });
    const biases = Int32Array.from({ length: outputs }, () => this.#source.below(2000) - 1000);
    const { quantization } = this.#tensors[from]!;
    const unit = quantization!.scale![0]!;
    const name = `weights ${this.#tensors.length}`;
    const w = this.#tensor(name, this.#levels, shape, scale, [zero], axis ?? 0, weights);
    const sums = scale.map((each) => Math.fround(Math.fround(each) * unit));
    const bytes = new Uint8Array(biases.buffer);
    return [w, this.#tensor(`bias of ${name}`, 'int32', [outputs], sums, [0], 0, bytes)];
  }

  #tensor(
    name: string,
    type: 'int8' | 'uint8' | 'int32',
    shape: readonly number[],
    scale: readonly number[],
    zero: readonly [number],
    axis = 0,
    data?: Uint8Array,
  ): number {
    const isChanneled = scale.length > 1;
    this.#buffers.push(data === undefined ? {} : { data });
    this.#tensors.push({
      name,
      shape: Int32Array.from(shape),
      type: tensorTypes.indexOf(type.toUpperCase()),
      buffer: this.#buffers.length - 1,
      quantization: {
        scale: Float32Array.from(scale),
        zeroPoint: BigInt64Array.from(scale, () => BigInt(zero[0])),
        ...(isChanneled ? { quantizedDimension: axis } : {}),
      },
    });
    return this.#tensors.length - 1;
  }
}
