import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { fourier } from './fourier.ts';
import { cos, expm1, log1p } from './functions.ts';
import { aroundAxis, countOf, replaceSize } from './indexing.ts';
import { axisIn, dtypeIn, invalid, optionalAt, scalarAt, tensorAt } from './operands.ts';

/** Spectra and windows. */

/** A size that an operand names. */
function sizeAt(c: EvaluateContext, input: number, fallback?: number): number {
  const size = scalarAt(c, input, fallback);
  if (!Number.isInteger(size) || size < 1)
    throw invalid(c, 'E_SHAPE_RANGE', `input ${input} is ${size}, expected an integer > 0`);
  countOf([size]);
  return size;
}

/** The parts of an element of x: 1 real, or 2. */
function partsOf(c: EvaluateContext, x: Tensor): number {
  const parts = x.dims.at(-1);
  if (x.dims.length < 2 || (parts !== 1 && parts !== 2))
    throw invalid(
      c,
      'E_SHAPE_MISMATCH',
      `sizes [${x.dims}], expected 1 or 2 parts in the last axis`,
    );
  return parts;
}

function dft(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const parts = partsOf(c, x);
  const rank = x.dims.length;
  const axis = axisIn(c, scalarAt(c, 2, -2), rank);
  if (axis === rank - 1) throw invalid(c, 'E_SHAPE_AXIS', 'the axis is that of the parts');
  const isInverse = c.attributes.int('inverse', 0) !== 0;
  const isOnesided = c.attributes.int('onesided', 0) !== 0;
  // Half of a spectrum whose other half mirrors it: the signal is real.
  const isMirrored = isInverse && isOnesided;
  const size = x.dims[axis]!;
  const length = sizeAt(c, 1, isMirrored ? 2 * (size - 1) : size);
  const bins = isOnesided && !isInverse ? Math.floor(length / 2) + 1 : length;
  const partsOut = isMirrored ? 1 : 2;
  const dims = replaceSize(replaceSize(x.dims, axis, bins), rank - 1, partsOut);
  const result = new Float64Array(countOf(dims));
  const values = numbersOf(x);
  const transform = fourier(length);
  const [re, im] = [new Float64Array(length), new Float64Array(length)];
  const { outer } = aroundAxis(x.dims, axis);
  const between = x.dims.slice(axis + 1, -1).reduce((product, own) => product * own, 1);
  const taken = Math.min(size, isMirrored ? Math.floor(length / 2) + 1 : length);
  for (let line = 0; line < outer * between; line++) {
    const [o, inner] = [Math.floor(line / between), line % between];
    re.fill(0);
    im.fill(0);
    for (let j = 0; j < taken; j++) {
      const at = ((o * size + j) * between + inner) * parts;
      re[j] = values[at]!;
      im[j] = parts === 2 ? values[at + 1]! : 0;
    }
    if (isMirrored) mirror(re, im);
    // Forwards on the conjugate is the conjugate of backwards.
    if (isInverse) negate(im);
    transform(re, im);
    for (let k = 0; k < bins; k++) {
      const to = ((o * bins + k) * between + inner) * partsOut;
      result[to] = isInverse ? re[k]! / length : re[k]!;
      if (partsOut === 2) result[to + 1] = isInverse ? -im[k]! / length : im[k]!;
    }
  }
  return [tensorOf(x.type, result, dims)];
}

function negate(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = -values[i]!;
}

/** The upper half of a real signal's spectrum from the lower one. Bins that mirror themselves are real. */
function mirror(re: Float64Array, im: Float64Array): void {
  const length = re.length;
  im[0] = 0;
  if (length % 2 === 0) im[length / 2] = 0;
  for (let k = Math.floor(length / 2) + 1; k < length; k++) {
    re[k] = re[length - k]!;
    im[k] = -im[length - k]!;
  }
}

function stft(c: EvaluateContext): Tensor[] {
  const signal = tensorAt(c, 0);
  const [batch, length] = signal.dims as [number, number];
  if (signal.dims.length !== 2 && signal.dims.length !== 3)
    throw invalid(c, 'E_SHAPE_RANK', `rank ${signal.dims.length}, expected [B, L, 1 or 2]`);
  const parts = signal.dims.length === 2 ? 1 : partsOf(c, signal);
  const step = sizeAt(c, 1);
  const window = optionalAt(c, 2);
  const size = sizeAt(c, 3, window?.dims[0] ?? length);
  if (window !== undefined && `${window.dims}` !== `${size}`)
    throw invalid(c, 'E_SHAPE_WINDOW', `a window of [${window.dims}] for frames of ${size}`);
  if (length < size)
    throw invalid(c, 'E_SHAPE_WINDOW', `frames of ${size} from a signal of ${length}`);
  const weights = window === undefined ? null : numbersOf(window);
  const frames = Math.floor((length - size) / step) + 1;
  const bins = c.attributes.int('onesided', 1) !== 0 ? Math.floor(size / 2) + 1 : size;
  const dims = [batch, frames, bins, 2];
  const result = new Float64Array(countOf(dims));
  const values = numbersOf(signal);
  const transform = fourier(size);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let row = 0; row < batch * frames; row++) {
    const start = Math.floor(row / frames) * length + (row % frames) * step;
    for (let j = 0; j < size; j++) {
      const weight = weights?.[j] ?? 1;
      re[j] = values[(start + j) * parts]! * weight;
      im[j] = parts === 2 ? values[(start + j) * 2 + 1]! * weight : 0;
    }
    transform(re, im);
    for (let k = 0; k < bins; k++) {
      result[2 * (row * bins + k)] = re[k]!;
      result[2 * (row * bins + k) + 1] = im[k]!;
    }
  }
  return [tensorOf(signal.type, result, dims)];
}

/** Σ factors[k]·cos(2πk·n / N), N being one less where the window is symmetric. */
function cosineWindow(factors: readonly number[]): Evaluator['evaluate'] {
  return (c) => {
    const size = scalarAt(c, 0);
    const dims = [countOf([size])];
    const period = c.attributes.int('periodic', 1) !== 0 ? size : size - 1;
    const values = new Float64Array(size);
    factors.forEach((factor, k) => {
      const angles = values.map((_, n) => (2 * Math.PI * ((k * n) % period)) / period);
      cos(size === 1 ? angles.fill(0) : angles).forEach((value, n) => {
        values[n]! += factor * value;
      });
    });
    // A symmetric window of one number is its middle.
    if (size === 1 && period === 0) values[0] = 1;
    return [tensorOf(dtypeIn(c, 'output_datatype') ?? 'float32', values, dims)];
  };
}

/** Triangles on the mel scale, mel = 2595·log10(1 + f / 700), over the bins of a spectrum → [bins, triangles]. */
function melWeightMatrix(c: EvaluateContext): Tensor[] {
  const [count, length, rate] = [sizeAt(c, 0), sizeAt(c, 1), sizeAt(c, 2)];
  const bins = Math.floor(length / 2) + 1;
  const [low, high] = log1p(
    Float64Array.of(scalarAt(c, 3) / 700, scalarAt(c, 4) / 700),
  ) as unknown as [number, number];
  const steps = Float64Array.from(
    { length: countOf([count + 2]) },
    (_, i) => low + (i * (high - low)) / (count + 2),
  );
  const edges = expm1(steps).map((power) => Math.floor(((length + 1) * 700 * power) / rate));
  const weights = new Float64Array(countOf([bins, count]));
  for (let i = 0; i < count; i++) {
    const [left, middle, right] = [edges[i]!, edges[i + 1]!, edges[i + 2]!];
    if (!(left >= 0 && middle >= left && right >= middle && middle < bins && right <= bins))
      throw invalid(c, 'E_SHAPE_RANGE', 'the band of frequencies is not within the spectrum');
    if (middle === left) weights[middle * count + i] = 1;
    for (let j = left; j <= middle && middle > left; j++)
      weights[j * count + i] = (j - left) / (middle - left);
    for (let j = middle; j < right; j++) weights[j * count + i] = (right - j) / (right - middle);
  }
  const type = dtypeIn(c, 'output_datatype') ?? 'float32';
  return [tensorOf(type, weights, [bins, count])];
}

export const signalEvaluators: readonly Evaluator[] = [
  { op: 'DFT', evaluate: dft },
  { op: 'STFT', evaluate: stft },
  { op: 'HannWindow', evaluate: cosineWindow([0.5, -0.5]) },
  { op: 'HammingWindow', evaluate: cosineWindow([25 / 46, -21 / 46]) },
  { op: 'BlackmanWindow', evaluate: cosineWindow([0.42, -0.5, 0.08]) },
  { op: 'MelWeightMatrix', evaluate: melWeightMatrix },
];
