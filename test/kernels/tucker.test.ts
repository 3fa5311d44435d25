import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NumericError } from '../../src/core/errors.ts';
import { svd, type TuckerMethod, tucker, tuckerReconstruct } from '../../src/kernels/index.ts';
import {
  distance,
  norm,
  orthogonality,
  peerArray,
  peerExpected,
  signsByRule,
  uniform,
} from './peer-matrices.ts';

const isNumericError = (error: unknown): boolean => error instanceof NumericError;

const test = suite('tucker');
const methods: readonly TuckerMethod[] = ['hosvd', 'st-hosvd', 'hooi'];

interface LayerCase {
  name: string;
  mode0_singular_values?: number[];
  tucker2?: { ranks: [number, number]; hosvd_rel_error: number; hooi50_rel_error: number }[];
}

test('Tucker-2 of real convolution weights: errors of HOSVD, and of 50 sweeps of HOOI', () => {
  for (const { name, tucker2 } of peerExpected<LayerCase>('real-weights') ?? []) {
    if (tucker2 === undefined) continue;
    const { data, dims } = peerArray(`real-weights/${name}`);
    const x = Float32Array.from(data);
    for (const { ranks, hosvd_rel_error, hooi50_rel_error } of tucker2) {
      for (const method of methods) {
        const parts = tucker(x, dims, ranks, { method });
        const what = `${name} [${ranks}], ${method}`;
        const error = distance(tuckerReconstruct(parts), data) / norm(data);
        assert.ok(
          Math.abs(error - parts.error) < 1e-7,
          `${what}: says ${parts.error}, is ${error}`,
        );
        if (method === 'hosvd') assert.ok(Math.abs(error - hosvd_rel_error) < 1e-6, what);
        if (method === 'hooi')
          assert.ok(error <= hooi50_rel_error + 1e-6, `${what}: ${error}, not ${hooi50_rel_error}`);
        parts.factors.forEach((factor, i) => {
          assert.ok(orthogonality(factor, dims[i]!, ranks[i]!) < 1e-12, what);
          assert.ok(signsByRule(factor, dims[i]!, ranks[i]!), what);
        });
      }
    }
  }
});

test('every order and subset of modes: exact at full rank and at the rank that x has', () => {
  const shape = [4, 5, 3, 6];
  for (const modes of [[0, 1, 2, 3], [3, 1], [2], [1, 2, 0], [3], [0], []]) {
    const ranks = modes.map((axis) => shape[axis]!);
    const low = modes.map((axis) => Math.max(1, shape[axis]! - 2));
    const coreShape = shape.map((size, axis) => low[modes.indexOf(axis)] ?? size);
    const x = uniform(360, 7);
    // Of the given ranks: a core and factors put together.
    const y = tuckerReconstruct({
      core: uniform(
        coreShape.reduce((p, q) => p * q, 1),
        3,
      ),
      coreShape,
      factors: modes.map((axis, i) => uniform(shape[axis]! * low[i]!, 5 + i)),
      modes,
    });
    for (const method of methods) {
      const whole = tucker(x, shape, ranks, { modes, method });
      assert.equal(whole.coreShape, shape);
      assert.ok(distance(tuckerReconstruct(whole), x) < 1e-13 * norm(x));
      const part = tucker(y, shape, low, { modes, method });
      assert.equal(part.coreShape, coreShape);
      assert.equal(part.modes, modes);
      assert.ok(distance(tuckerReconstruct(part), y) < 1e-13 * norm(y), `${modes}, ${method}`);
      assert.ok(part.error < 1e-13);
    }
  }
});

test('a product written out: x̂[i, j] = Σ U[i, p] core[p, q] V[j, q]', () => {
  const core = Float64Array.of(1, 2, 3, 4);
  const factors = [Float64Array.of(1, 0, 2, 1, 0, 3), Float64Array.of(1, -1, 5, 2)];
  const want = [1 - 2, 5 + 4, 2 * -1 + -1, 2 * 9 + 23, 3 * -1, 3 * 23];
  assert.equal([...tuckerReconstruct({ core, coreShape: [2, 2], factors })], want);
});

test('a matrix: the truncated SVD, whatever the method', () => {
  const x = uniform(30 * 20, 4);
  const { s } = svd(x, 30, 20);
  for (const method of methods) {
    const { error } = tucker(x, [30, 20], [6, 6], { method });
    assert.ok(Math.abs(error - norm(s.subarray(6)) / norm(s)) < 1e-12, method);
  }
  assert.is(tucker(new Float32Array(12), [3, 4], [1, 1]).error, 0);
});

test('ranks larger than the others can feed, and magnitudes far from 1', () => {
  const x = uniform(8 * 2 * 2, 5);
  const parts = tucker(x, [8, 2, 2], [8, 1, 1], { method: 'hooi' });
  assert.ok(orthogonality(parts.factors[0]!, 8, 8) < 1e-13);
  const huge = tucker(
    x.map((value) => value * 2 ** 900),
    [8, 2, 2],
    [3, 2, 1],
  );
  const plain = tucker(x, [8, 2, 2], [3, 2, 1]);
  assert.equal(huge.factors, plain.factors);
  assert.equal(
    huge.core,
    plain.core.map((value) => value * 2 ** 900),
  );
});

test('misuse is refused', () => {
  const x = new Float32Array(24);
  assert.throws(() => tucker([...x] as unknown as Float32Array, [24], [1]), TypeError);
  assert.throws(() => tucker(x, [2, 3, 5], [1, 1, 1]), RangeError);
  assert.throws(() => tucker(x, [2 ** 30, 2 ** 30], [1, 1]), RangeError);
  assert.throws(() => tucker(x, [2, 3, 4], [3, 1, 1]), RangeError);
  assert.throws(() => tucker(x, [2, 3, 4], [1, 0]), RangeError);
  assert.throws(() => tucker(x, [2, 3, 4], [1, 1], { modes: [0] }), RangeError);
  assert.throws(() => tucker(x, [2, 3, 4], [1, 1], { modes: [1, 1] }), RangeError);
  assert.throws(() => tucker(x, [2, 3, 4], [1], { modes: [3] }), RangeError);
  assert.throws(() => tucker(x, [24], [1], { method: 'cp' as 'hooi' }), RangeError);
  assert.throws(() => tucker(x, [24], [1], { maxSweeps: 0 }), RangeError);
  assert.throws(() => tucker(x, [24], [1], { tolerance: Number.NaN }), RangeError);
  assert.throws(() => tucker(x.fill(Number.NaN), [24], [1]), isNumericError);
  const parts = { core: Float64Array.of(1), coreShape: [1], factors: [new Float64Array(0)] };
  assert.throws(() => tuckerReconstruct(parts), RangeError);
});

test.run();
