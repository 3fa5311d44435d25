import { normalizeAxis } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';

/** A Fourier transform whose length is computed while it runs: tables of cosines and sines are, too. */
export const computedDft: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const rank = dims.length;
  const given = p.has(2) ? (p.numbers(2)?.[0] ?? p.stop('the axis is computed')) : -2;
  const axis = normalizeAxis(given, rank);
  const isInverse = p.attributes.int('inverse', 0) !== 0;
  const isOnesided = p.attributes.int('onesided', 0) !== 0;
  const size = dims[axis]!;
  const raw = (op: string, inputs: Value[], settings = {}): Value =>
    p.op(op, inputs, null, null, settings);
  const number = (value: number): Value => p.floats([value], []);
  const n = p.reshape(p.cast(p.in(1), 'float32'), []);
  const isHalf = isOnesided && !isInverse;
  const half = p.add(p.unary('Floor', p.mul(n, 0.5)), 1);
  const bins = p.op('Range', [number(0), isHalf ? half : n, number(1)], [null], 'float32');
  const places = p.floats(
    Float32Array.from({ length: size }, (_, i) => i),
    [size, 1],
  );
  const turns = raw('Mod', [raw('Mul', [places, bins]), n], { fmod: 1 });
  const angles = raw('Mul', [turns, p.div(2 * Math.PI, n)]);
  // What lies beyond the length counts nothing; bins that have a mirror image count twice.
  const isMirrored = isInverse && isOnesided;
  let weight = p.cast(p.test('Less', places, isMirrored ? half : n), 'float32');
  if (isMirrored) {
    const isAlone = p.binary(
      'Or',
      p.test('Equal', places, 0),
      p.test('Equal', p.mul(places, 2), n),
    );
    weight = p.mul(weight, p.where(isAlone, 1, p.floats([2], [])));
  }
  if (isInverse) weight = p.div(weight, n);
  const cos = raw('Mul', [raw('Cos', [angles]), weight]);
  const sin = raw('Mul', [raw('Sin', [angles]), p.mul(weight, isInverse ? 1 : -1)]);
  const rest = dims.flatMap((_, i) => (i === axis || i === rank - 1 ? [] : [i]));
  const order = [...rest, axis, rank - 1];
  const ordered = p.transpose(x, order);
  const lead = rest.map((i) => dims[i]!);
  const part = (i: number): Value => p.reshape(p.slice(ordered, -1, i, i + 1), [...lead, size]);
  const re = part(0);
  const im = dims[rank - 1] === 2 ? part(1) : null;
  const product = (a: Value, b: Value): Value => raw('MatMul', [a, b]);
  const real = product(re, cos);
  const results = [im === null ? real : raw('Sub', [real, product(im, sin)])];
  if (!isMirrored) {
    const imaginary = product(re, sin);
    results.push(im === null ? imaginary : raw('Add', [imaginary, product(im, cos)]));
  }
  const apart = results.map((own) => raw('Unsqueeze', [own, p.ints([-1])]));
  const joined = apart.length === 1 ? apart[0]! : raw('Concat', apart, { axis: -1 });
  const back: number[] = [];
  order.forEach((from, to) => {
    back[from] = to;
  });
  p.end(0, raw('Transpose', [joined], { perm: back }));
};
