import { normalizeAxis, volume } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { numberOfDtype } from '../../ops/data-types.ts';
import type { Expansion } from './index.ts';
import type { Parts, Term } from './parts.ts';

/** Lines [..., size] of complex numbers, and how many of them their transform takes. */
interface Signal {
  readonly re: Value;
  readonly im: Value | null;
  /** Elements of a line; what a line has less of the length counts as 0. */
  readonly size: number;
  readonly length: Value;
}

type Raw = (
  op: string,
  inputs: Value[],
  settings?: Record<string, number | readonly number[]>,
) => Value;

/** A Fourier transform whose length or axis is computed while it runs: tables of cosines and sines are, too. */
export const computedDft: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const rank = dims.length;
  const given = p.has(2) ? (p.numbers(2)?.[0] ?? null) : -2;
  if (given === null) {
    alongComputedAxis(p, p.in(2));
    return;
  }
  const axis = normalizeAxis(given, rank);
  const rest = dims.flatMap((_, i) => (i === axis || i === rank - 1 ? [] : [i]));
  const order = [...rest, axis, rank - 1];
  const ordered = p.transpose(x, order);
  const lead = rest.map((i) => dims[i]!);
  const size = dims[axis]!;
  const part = (i: number): Value => p.reshape(p.slice(ordered, -1, i, i + 1), [...lead, size]);
  const length = p.has(1) ? p.reshape(p.cast(p.in(1), 'float32'), []) : p.floats([size], []);
  const im = dims[rank - 1] === 2 ? part(1) : null;
  const joined = spectrum(p, { re: part(0), im, size, length });
  const back: number[] = [];
  order.forEach((from, to) => {
    back[from] = to;
  });
  p.end(0, rawOf(p)('Transpose', [joined], { perm: back }));
};

const rawOf =
  (p: Parts): Raw =>
  (op, inputs, settings = {}) =>
    p.op(op, inputs, null, null, settings);

/** [..., bins, parts] */
function spectrum(p: Parts, { re, im, size, length }: Signal): Value {
  const raw = rawOf(p);
  const isInverse = p.attributes.int('inverse', 0) !== 0;
  const isOnesided = p.attributes.int('onesided', 0) !== 0;
  const number = (value: number): Value => p.floats([value], []);
  const half = p.add(p.unary('Floor', p.mul(length, 0.5)), 1);
  const count = isOnesided && !isInverse ? half : length;
  const bins = p.op('Range', [number(0), count, number(1)], [null], 'float32');
  const places = p.floats(
    Float32Array.from({ length: size }, (_, i) => i),
    [size, 1],
  );
  const turns = raw('Mod', [raw('Mul', [places, bins]), length], { fmod: 1 });
  const angles = raw('Mul', [turns, p.div(2 * Math.PI, length)]);
  // What lies beyond the length counts nothing; bins that have a mirror image count twice.
  const isMirrored = isInverse && isOnesided;
  let weight = p.cast(p.test('Less', places, isMirrored ? half : length), 'float32');
  if (isMirrored) {
    const isMiddle = p.test('Equal', p.mul(places, 2), length);
    const isAlone = p.binary('Or', p.test('Equal', places, 0), isMiddle);
    weight = p.mul(weight, p.where(isAlone, 1, number(2)));
  }
  if (isInverse) weight = p.div(weight, length);
  const cos = raw('Mul', [raw('Cos', [angles]), weight]);
  const sin = raw('Mul', [raw('Sin', [angles]), p.mul(weight, isInverse ? 1 : -1)]);
  const product = (a: Value, b: Value): Value => raw('MatMul', [a, b]);
  const real = product(re, cos);
  const results = [im === null ? real : raw('Sub', [real, product(im, sin)])];
  if (!isMirrored) {
    const imaginary = product(re, sin);
    results.push(im === null ? imaginary : raw('Add', [imaginary, product(im, cos)]));
  }
  const apart = results.map((own) => raw('Unsqueeze', [own, p.ints([-1])]));
  return apart.length === 1 ? apart[0]! : raw('Concat', apart, { axis: -1 });
}

/** Along the axis that an operand says: lines of all axes that it may be, as matrices with zeros around, of which one
 *  is chosen, and its spectra are picked by places that are computed as well. */
function alongComputedAxis(p: Parts, axis: Value): void {
  const x = p.in(0);
  const dims = p.dims(x);
  const [sizes, parts] = [dims.slice(0, -1), dims.at(-1)!];
  const rank = sizes.length;
  if (volume(sizes) * rank > 1 << 16) p.stop('the axis is computed');
  const raw = rawOf(p);
  const at = p.reshape(p.cast(axis, 'int64'), []);
  const flags = sizes.map((_, i) =>
    p.binary('Or', p.test('Equal', at, i), p.test('Equal', at, i - rank - 1)),
  );
  /** What belongs to the axis, of one term for each. */
  const choose = (terms: readonly Term[]): Value =>
    terms.reduce<Value>(
      (chosen, term, i) =>
        p.where(flags[i]!, typeof term === 'number' ? p.floats([term], []) : term, chosen),
      p.floats([0], []),
    );
  const height = Math.max(...sizes.map((size) => volume(sizes) / size));
  const width = Math.max(...sizes);
  const matrices = sizes.map((size, i) => {
    const rest = sizes.flatMap((_, j) => (j === i ? [] : [j]));
    const own = [volume(sizes) / size, size] as const;
    const flat = p.reshape(p.transpose(x, [...rest, i, rank]), [...own, parts]);
    const pads = p.ints([0, 0, 0, height - own[0], width - own[1], 0]);
    return p.op('Pad', [flat, pads], [height, width, parts], 'float32');
  });
  const lines = matrices.reduce((chosen, own, i) => p.where(flags[i]!, own, chosen));
  const part = (i: number): Value => p.reshape(p.slice(lines, 2, i, i + 1), [height, width]);
  const isOnesided = p.attributes.int('onesided', 0) !== 0;
  const isMirrored = p.attributes.int('inverse', 0) !== 0 && isOnesided;
  const length = p.has(1)
    ? p.reshape(p.cast(p.in(1), 'float32'), [])
    : choose(sizes.map((size) => (isMirrored ? 2 * (size - 1) : size)));
  const im = parts === 2 ? part(1) : null;
  const spectra = spectrum(p, { re: part(0), im, size: width, length });
  const isHalf = isOnesided && !isMirrored;
  const bins = isHalf ? p.add(p.unary('Floor', p.mul(length, 0.5)), 1) : length;
  let places: Value | null = null;
  sizes.forEach((size, i) => {
    const count = choose(sizes.map((_, own) => (own === i ? bins : size)));
    const range = raw('Range', [p.floats([0], []), count, p.floats([1], [])]);
    const stride = choose(
      sizes.map((_, own) => {
        if (own === i) return 1;
        const inner = volume(sizes.flatMap((other, j) => (j > i && j !== own ? [other] : [])));
        return p.mul(bins, inner);
      }),
    );
    const shape = p.ints(sizes.map((_, j) => (j === i ? -1 : 1)));
    const upright = raw('Reshape', [raw('Mul', [range, stride]), shape]);
    places = places === null ? upright : raw('Add', [places, upright]);
  });
  const flat = raw('Reshape', [spectra, p.ints([-1, isMirrored ? 1 : 2])]);
  const index = p.op('Cast', [places!], null, 'int64', { to: numberOfDtype('int64') });
  p.end(0, raw('Gather', [flat, index], { axis: 0 }));
}
