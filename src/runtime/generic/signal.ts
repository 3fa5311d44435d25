import { dtypes } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { cos, exp, log, sin } from './functions.ts';
import { aroundAxis, countOf } from './indexing.ts';
import { axisIn, dtypeIn, invalid, optionalAt, scalarAt, tensorAt } from './operands.ts';

/** Spectra and windows. */

/** Complex numbers: real and imaginary parts. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

function zeros(count: number): Complex {
  return { re: new Float64Array(count), im: new Float64Array(count) };
}

/** Σ xⱼ·e^(sign·2πi·jk/n) for lengths of one size: even lengths are halved, odd ones summed by definition. */
class Transform {
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  readonly #length: number;

  constructor(length: number, sign: 1 | -1) {
    const angles = Float64Array.from({ length }, (_, k) => (2 * Math.PI * k) / length);
    this.#cosines = cos(angles);
    this.#sines = sin(angles).map((v) => sign * v);
    this.#length = length;
  }

  run(x: Complex): Complex {
    return this.#part(x, 0, 1);
  }

  /** Of every `stride`-th element from `first` on. */
  #part(x: Complex, first: number, stride: number): Complex {
    const n = this.#length / stride;
    const result = zeros(n);
    if (n % 2 !== 0) {
      for (let k = 0; k < n; k++) {
        let [re, im] = [0, 0];
        for (let j = 0; j < n; j++) {
          const turn = ((j * k) % n) * stride;
          const [c, s] = [this.#cosines[turn]!, this.#sines[turn]!];
          const [a, b] = [x.re[first + j * stride]!, x.im[first + j * stride]!];
          re += a * c - b * s;
          im += a * s + b * c;
        }
        result.re[k] = re;
        result.im[k] = im;
      }
      return result;
    }
    const even = this.#part(x, first, 2 * stride);
    const odd = this.#part(x, first + stride, 2 * stride);
    for (let k = 0; k < n / 2; k++) {
      const [c, s] = [this.#cosines[k * stride]!, this.#sines[k * stride]!];
      const re = odd.re[k]! * c - odd.im[k]! * s;
      const im = odd.re[k]! * s + odd.im[k]! * c;
      result.re[k] = even.re[k]! + re;
      result.im[k] = even.im[k]! + im;
      result.re[k + n / 2] = even.re[k]! - re;
      result.im[k + n / 2] = even.im[k]! - im;
    }
    return result;
  }
}

/** The missing half of a spectrum whose signal is real: complex conjugates of the other half. */
function mirrored({ re, im }: Complex, bins: number): void {
  const n = re.length;
  for (let k = bins; k < n; k++) {
    re[k] = re[n - k]!;
    im[k] = -im[n - k]!;
  }
  im[0] = 0;
  if (n % 2 === 0) im[n / 2] = 0;
}

function partsOf(c: EvaluateContext, x: Tensor): number {
  const parts = x.dims.at(-1);
  if (parts !== 1 && parts !== 2)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}] does not end in real and imaginary parts`);
  return parts;
}

function lengthOf(c: EvaluateContext, length: number): number {
  if (!Number.isInteger(length) || length < 1)
    throw invalid(c, 'E_SHAPE_RANGE', `a transform of length ${length}`);
  return countOf([length]);
}

/** Cut or filled with zeros to the length of the transform, along one axis. */
function dft(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const parts = partsOf(c, x);
  const axis = axisIn(c, scalarAt(c, 2, -2), x.dims.length);
  if (axis === x.dims.length - 1) throw invalid(c, 'E_SHAPE_AXIS', 'the axis is that of the parts');
  const isInverse = c.attributes.int('inverse') !== 0;
  const isOnesided = c.attributes.int('onesided') !== 0;
  const isReal = isInverse && isOnesided;
  const size = x.dims[axis]!;
  const length = lengthOf(c, scalarAt(c, 1, isReal ? 2 * (size - 1) : size));
  const half = Math.floor(length / 2) + 1;
  const taken = Math.min(size, isReal ? half : length);
  const kept = isOnesided && !isInverse ? half : length;
  const outParts = isReal ? 1 : 2;
  const dims = x.dims.map((own, a) => (a === axis ? kept : own));
  dims[dims.length - 1] = outParts;
  const values = numbersOf(x);
  const result = new Float64Array(countOf(dims));
  const { outer, inner } = aroundAxis(x.dims.slice(0, -1), axis);
  const transform = new Transform(length, isInverse ? 1 : -1);
  const scale = isInverse ? 1 / length : 1;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const signal = zeros(length);
      for (let j = 0; j < taken; j++) {
        const from = ((o * size + j) * inner + i) * parts;
        signal.re[j] = values[from]!;
        if (parts === 2) signal.im[j] = values[from + 1]!;
      }
      if (isReal) mirrored(signal, half);
      const { re, im } = transform.run(signal);
      for (let k = 0; k < kept; k++) {
        const to = ((o * kept + k) * inner + i) * outParts;
        result[to] = re[k]! * scale;
        if (outParts === 2) result[to + 1] = im[k]! * scale;
      }
    }
  }
  return [tensorOf(x.type, result, dims)];
}

/** signal [B, L, 1 | 2] → [B, frames, bins, 2] */
function stft(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const parts = x.dims.length === 2 ? 1 : partsOf(c, x);
  const [batch, samples] = x.dims as [number, number];
  if (x.dims.length !== 2 && x.dims.length !== 3)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}] are no signals`);
  const step = scalarAt(c, 1);
  const window = optionalAt(c, 2);
  const length = lengthOf(c, scalarAt(c, 3, window?.size ?? samples));
  if (!(step > 0) || samples < length)
    throw invalid(c, 'E_SHAPE_WINDOW', `frames of ${length}, each ${step} on, from ${samples}`);
  const weights = window === undefined ? null : numbersOf(window);
  const width = Math.min(length, weights?.length ?? length);
  const frames = Math.floor((samples - length) / step) + 1;
  const bins = c.attributes.int('onesided') !== 0 ? Math.floor(length / 2) + 1 : length;
  const dims = [batch, frames, bins, 2];
  const values = numbersOf(x);
  const result = new Float64Array(countOf(dims));
  const transform = new Transform(length, -1);
  for (let row = 0; row < batch * frames; row++) {
    const start = Math.floor(row / frames) * samples + (row % frames) * step;
    const signal = zeros(length);
    for (let j = 0; j < width; j++) {
      const weight = weights === null ? 1 : weights[j]!;
      signal.re[j] = values[(start + j) * parts]! * weight;
      if (parts === 2) signal.im[j] = values[(start + j) * parts + 1]! * weight;
    }
    const { re, im } = transform.run(signal);
    for (let k = 0; k < bins; k++) {
      result[(row * bins + k) * 2] = re[k]!;
      result[(row * bins + k) * 2 + 1] = im[k]!;
    }
  }
  return [tensorOf(x.type, result, dims)];
}

/** a₀ − a₁ cos(2πn/N) + a₂ cos(4πn/N); N is one less where the window is symmetric. */
function cosineWindow(op: string, [a0, a1, a2]: readonly [number, number, number]): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const size = countOf([scalarAt(c, 0)]);
      const period = c.attributes.int('periodic') === 0 ? size - 1 : size;
      const angles = Float64Array.from({ length: size }, (_, n) =>
        period === 0 ? Math.PI : (2 * Math.PI * n) / period,
      );
      const [once, twice] = [cos(angles), cos(angles.map((v) => 2 * v))];
      const values = once.map((v, i) => a0 - a1 * v + a2 * twice[i]!);
      return [tensorOf(dtypeIn(c, 'output_datatype') ?? 'float32', values, [size])];
    },
  };
}

/** Triangles between bins that are evenly spaced in mel, 2595·log₁₀(1 + f/700). */
function melWeightMatrix(c: EvaluateContext): Tensor[] {
  const [count, length, rate, low, high] = [0, 1, 2, 3, 4].map((input) => scalarAt(c, input)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const rows = Math.floor(length / 2) + 1;
  const dims = [rows, count];
  const values = new Float64Array(countOf(dims));
  const melOf = (frequency: number): number => (2595 * log(1 + frequency / 700)) / Math.LN10;
  const [from, to] = [melOf(low), melOf(high)];
  const step = (to - from) / (count + 2);
  const edges = Float64Array.from({ length: count + 2 }, (_, i) => {
    const frequency = 700 * (exp(((i * step + from) / 2595) * Math.LN10) - 1);
    return Math.floor(((length + 1) * frequency) / rate);
  });
  const set = (row: number, column: number, value: number): void => {
    if (row >= 0 && row < rows) values[row * count + column] = value;
  };
  for (let i = 0; i < count; i++) {
    const [left, center, right] = edges.subarray(i, i + 3) as unknown as [number, number, number];
    if (center === left) set(center, i, 1);
    else
      for (let j = Math.max(left, 0); j <= Math.min(center, rows - 1); j++)
        set(j, i, (j - left) / (center - left));
    for (let j = Math.max(center, 0); j < Math.min(right, rows); j++)
      set(j, i, (right - j) / (right - center));
  }
  const type = dtypeIn(c, 'output_datatype') ?? 'float32';
  if (dtypes[type].array === null)
    throw invalid(c, 'E_OP_ATTRIBUTE', `weights of element type ${type}`);
  return [tensorOf(type, values, dims)];
}

export const signalEvaluators: readonly Evaluator[] = [
  { op: 'DFT', evaluate: dft },
  { op: 'STFT', evaluate: stft },
  cosineWindow('HannWindow', [0.5, 0.5, 0]),
  cosineWindow('HammingWindow', [25 / 46, 21 / 46, 0]),
  cosineWindow('BlackmanWindow', [0.42, 0.5, 0.08]),
  { op: 'MelWeightMatrix', evaluate: melWeightMatrix },
];
