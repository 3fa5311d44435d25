import { normalizeAxis } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { computedDft } from './computed-dft.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Cosines and sines of 2π·jk / n for j < rows, k < columns: made of exact integers, so that no angle is large. */
function table(p: Parts, op: 'Cos' | 'Sin', n: number, rows: number, columns: number): Value {
  const angles = new Float32Array(rows * columns);
  for (let j = 0; j < rows; j++)
    for (let k = 0; k < columns; k++) angles[j * columns + k] = (2 * Math.PI * ((j * k) % n)) / n;
  return p.unary(op, p.floats(angles, [rows, columns]));
}

/** Sums of the two parts of complex numbers; absent parts are 0. */
interface Complex {
  readonly re: Value;
  readonly im: Value | null;
}

/** The spectrum of lines [lines, size] of n numbers, or of its inverse without its factor.
 *  @param sign  −1 forwards, 1 backwards */
function spectrum(p: Parts, { re, im }: Complex, n: number, bins: number, sign: 1 | -1): Complex {
  const taken = p.dims(re).at(-1)!;
  const [cos, sin] = [table(p, 'Cos', n, taken, bins), table(p, 'Sin', n, taken, bins)];
  const turned = p.mul(sin, sign);
  const real = p.matmul(re, cos);
  const imaginary = p.matmul(re, turned);
  if (im === null) return { re: real, im: imaginary };
  return {
    re: p.sub(real, p.matmul(im, turned)),
    im: p.add(imaginary, p.matmul(im, cos)),
  };
}

const dft: Expansion = (p) => {
  if ([1, 2].some((input) => p.has(input) && p.numbers(input) === null)) {
    computedDft(p);
    return;
  }
  const x = p.in(0);
  const dims = p.dims(x);
  const rank = dims.length;
  const parts = dims[rank - 1]!;
  const axis = normalizeAxis(p.has(2) ? p.numbers(2)![0]! : -2, rank);
  const isInverse = p.attributes.int('inverse', 0) !== 0;
  const isOnesided = p.attributes.int('onesided', 0) !== 0;
  const isMirrored = isInverse && isOnesided;
  const size = dims[axis]!;
  const natural = isMirrored ? 2 * (size - 1) : size;
  const n = p.has(1) ? p.numbers(1)![0]! : natural;
  const bins = isOnesided && !isInverse ? Math.floor(n / 2) + 1 : n;
  const taken = Math.min(size, isMirrored ? Math.floor(n / 2) + 1 : n);
  const rest = dims.flatMap((_, i) => (i === axis || i === rank - 1 ? [] : [i]));
  const ordered = p.transpose(x, [...rest, axis, rank - 1]);
  const lead = rest.map((i) => dims[i]!);
  const part = (i: number): Value => {
    const own = p.slice(p.slice(ordered, -2, 0, taken), -1, i, i + 1);
    return p.reshape(own, [...lead, taken]);
  };
  const signal: Complex = { re: part(0), im: parts === 2 ? part(1) : null };
  let result: readonly Value[];
  if (isMirrored) {
    // Bins that have a mirror image count twice; those that have none are real.
    const weights = Float32Array.from({ length: taken }, (_, k) =>
      k === 0 || 2 * k === n ? 1 : 2,
    );
    const twice = p.floats(weights);
    const [cos, sin] = [table(p, 'Cos', n, taken, n), table(p, 'Sin', n, taken, n)];
    const even = p.matmul(p.mul(signal.re, twice), cos);
    const sum = signal.im === null ? even : p.sub(even, p.matmul(p.mul(signal.im, twice), sin));
    result = [p.mul(sum, 1 / n)];
  } else {
    const { re, im } = spectrum(p, signal, n, bins, isInverse ? 1 : -1);
    result = [re, im!].map((own) => (isInverse ? p.mul(own, 1 / n) : own));
  }
  const apart = result.map((own) => p.reshape(own, [...lead, isMirrored ? n : bins, 1]));
  const joined = p.concat(apart, -1);
  const back: number[] = [];
  [...rest, axis, rank - 1].forEach((from, to) => {
    back[from] = to;
  });
  p.end(0, p.transpose(joined, back));
};

/** Frames of a signal, weighted, and their spectra. */
const stft: Expansion = (p) => {
  const signal = p.in(0);
  const dims = p.dims(signal);
  const [batch, length] = dims as [number, number];
  const parts = dims.length === 2 ? 1 : dims[2]!;
  const step = p.numbers(1)?.[0] ?? p.stop('the step is computed');
  const window = p.maybe(2);
  const given = p.has(3) ? (p.numbers(3)?.[0] ?? p.stop('the length is computed')) : null;
  const size = given ?? (window === null ? length : p.dims(window)[0]!);
  const frames = Math.floor((length - size) / step) + 1;
  const bins = p.attributes.int('onesided', 1) !== 0 ? Math.floor(size / 2) + 1 : size;
  const places = Array.from({ length: frames * size }, (_, i) => {
    return Math.floor(i / size) * step + (i % size);
  });
  const part = (i: number): Value => {
    const own = p.reshape(dims.length === 2 ? signal : p.slice(signal, 2, i, i + 1), [
      batch,
      length,
    ]);
    const framed = p.gather(own, p.ints(places, [frames, size]), 1);
    return window === null ? framed : p.mul(framed, window);
  };
  const { re, im } = spectrum(p, { re: part(0), im: parts === 2 ? part(1) : null }, size, bins, -1);
  const apart = [re, im!].map((own) => p.reshape(own, [batch, frames, bins, 1]));
  p.end(0, p.concat(apart, -1));
};

/** Σ factors[k]·cos(2πk·i / N), N being one less where the window is symmetric; its size may be computed. */
const cosineWindow =
  (factors: readonly number[]): Expansion =>
  (p) => {
    const dtype = p.dtype(p.node.outputs[0]!);
    if (dtype !== 'float32') p.stop(`a window of ${dtype}`);
    const size = p.cast(p.in(0), 'float32');
    const isPeriodic = p.attributes.int('periodic', 1) !== 0;
    const period = isPeriodic ? size : p.sub(size, 1);
    const places = p.op(
      'Range',
      [p.scalar(0, 'float32'), size, p.scalar(1, 'float32')],
      [null],
      'float32',
    );
    const raw = (op: string, a: Value, b: Value): Value => p.op(op, [a, b], [null], 'float32');
    const turn = raw('Div', places, period);
    let sum: Value | null = null;
    factors.forEach((factor, k) => {
      if (k === 0) return;
      const angle = raw('Mul', turn, p.floats([2 * Math.PI * k], []));
      const wave = raw('Mul', p.op('Cos', [angle], [null], 'float32'), p.floats([factor], []));
      sum = sum === null ? wave : raw('Add', sum, wave);
    });
    p.end(0, raw('Add', sum!, p.floats([factors[0]!], [])));
  };

export const signalExpansions: Readonly<Record<string, Expansion>> = {
  DFT: dft,
  STFT: stft,
  HannWindow: cosineWindow([0.5, -0.5]),
  HammingWindow: cosineWindow([25 / 46, -21 / 46]),
  BlackmanWindow: cosineWindow([0.42, -0.5, 0.08]),
};
