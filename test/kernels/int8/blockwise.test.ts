import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Random } from '../../../src/core/random.ts';
import { matmulBlockwise, packBlockwise } from '../../../src/kernels/index.ts';
import { inMode, modes } from './modes.ts';
import { random } from './plain.ts';

const test = suite('products with block-quantized weights');

interface Weights {
  b: Uint8Array;
  options: {
    bits: 4 | 8;
    blockSize: number;
    scales: Float32Array;
    zeroPoints: Uint8Array | Float32Array | undefined;
  };
  /** Value of [k, n], in double precision. */
  value(p: number, j: number): number;
}

function randomWeights(k: number, n: number, draw: Random): Weights {
  const bits = draw.below(2) === 0 ? 4 : 8;
  const blockSize = [16, 32, 64, 128, 256][draw.below(5)]!;
  const blocks = Math.ceil(k / blockSize);
  const rowBytes = (blockSize * bits) / 8;
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => draw.below(256));
  const b = bytes(n * blocks * rowBytes);
  const scales = Float32Array.from({ length: n * blocks }, () => draw.uniform() * 0.1 + 0.001);
  const zeroRow = Math.ceil((blocks * bits) / 8);
  const kind = draw.below(3);
  const zeroPoints =
    kind === 0
      ? undefined
      : kind === 1
        ? bytes(n * zeroRow)
        : Float32Array.from({ length: n * blocks }, () => draw.uniform() * 15);
  const pick = (data: Uint8Array, row: number, i: number): number =>
    bits === 8 ? data[row + i]! : (data[row + (i >> 1)]! >> ((i & 1) * 4)) & 15;
  return {
    b,
    options: { bits, blockSize, scales, zeroPoints },
    value(p, j) {
      const block = Math.floor(p / blockSize);
      const level = pick(b, (j * blocks + block) * rowBytes, p - block * blockSize);
      const zero =
        zeroPoints === undefined
          ? 2 ** (bits - 1)
          : zeroPoints instanceof Float32Array
            ? zeroPoints[j * blocks + block]!
            : pick(zeroPoints, j * zeroRow, block);
      return (level - zero) * scales[j * blocks + block]!;
    },
  };
}

const floats = (length: number, draw: Random): Float32Array =>
  Float32Array.from({ length }, () => draw.uniform() * 4 - 2);

test('float32 activations: the weights’ values times a, within rounding', () => {
  const draw = random(1);
  for (let round = 0; round < 120; round++) {
    const [m, k, n] = [1 + draw.below(10), 1 + draw.below(300), 1 + draw.below(20)];
    const { b, options, value } = randomWeights(k, n, draw);
    const a = floats(m * k, draw);
    const bias = draw.below(2) === 0 ? undefined : floats(n, draw);
    const packed = packBlockwise(b, k, n, options);
    const y = matmulBlockwise(a, packed, m, k, n, { bias });
    packed.dispose();
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = bias?.[j] ?? 0;
        let size = Math.abs(sum);
        for (let p = 0; p < k; p++) {
          const weight = value(p, j);
          sum += a[i * k + p]! * weight;
          // Levels and zero points are summed apart: their own size counts, not that of the difference.
          const block = Math.floor(p / options.blockSize);
          const scale = options.scales[j * Math.ceil(k / options.blockSize) + block]!;
          size += Math.abs(a[i * k + p]!) * (Math.abs(weight) + 2 ** options.bits * scale);
        }
        const off = Math.abs(y[i * n + j]! - sum);
        assert.ok(off <= size * 2 ** -22, `${round}: ${m}×${k}×${n}: off by ${off / size}`);
      }
    }
  }
});

/** a rounded to 8 bits in blocks, as documented. */
function rounded(a: Float32Array, m: number, k: number, size: number): Float64Array {
  const result = new Float64Array(m * k);
  for (let i = 0; i < m; i++) {
    for (let from = 0; from < k; from += size) {
      const part = a.subarray(i * k + from, i * k + Math.min(k, from + size));
      const most = part.reduce((greatest, x) => Math.max(greatest, Math.abs(x)), 0);
      const scale = Math.fround(most / 127);
      part.forEach((x, p) => {
        const ratio = Math.fround(x / (scale || 1));
        const level = Math.round(ratio);
        const tie = Math.abs(ratio % 1) === 0.5;
        result[i * k + from + p] = scale * (tie ? 2 * Math.round(ratio / 2) : level);
      });
    }
  }
  return result;
}

test('int8 activations: the same bits in every mode, and a rounded as documented', () => {
  const draw = random(2);
  for (let round = 0; round < 120; round++) {
    const [m, k, n] = [1 + draw.below(4), 1 + draw.below(300), 1 + draw.below(20)];
    const { b, options, value } = randomWeights(k, n, draw);
    const a = floats(m * k, draw);
    const results = modes.map((mode) =>
      inMode(mode, () => {
        const packed = packBlockwise(b, k, n, { ...options, activations: 'int8' });
        const y = matmulBlockwise(a, packed, m, k, n);
        packed.dispose();
        return y;
      }),
    );
    for (const other of results.slice(1)) assert.equal(other, results[0]);
    const levels = rounded(a, m, k, options.blockSize);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let size = 0;
        for (let p = 0; p < k; p++) {
          const term = levels[i * k + p]! * value(p, j);
          sum += term;
          size += Math.abs(term) + Math.abs(levels[i * k + p]!) * 2 ** options.bits * 0.1;
        }
        const off = Math.abs(results[0]![i * n + j]! - sum);
        assert.ok(off <= size * 2 ** -21, `${round}: ${m}×${k}×${n}: off by ${off / size}`);
      }
    }
  }
});

test('many rows come in blocks', () => {
  const draw = random(3);
  const [m, k, n] = [70, 2048, 9];
  const { b, options } = randomWeights(k, n, draw);
  const a = floats(m * k, draw);
  for (const activations of ['float32', 'int8'] as const) {
    const packed = packBlockwise(b, k, n, { ...options, activations });
    const all = matmulBlockwise(a, packed, m, k, n);
    for (const i of [0, 31, 32, 69]) {
      const one = matmulBlockwise(a.subarray(i * k, (i + 1) * k), packed, 1, k, n);
      const part = all.subarray(i * n, (i + 1) * n);
      if (activations === 'int8') assert.equal(part, one);
      for (let j = 0; j < n; j++) {
        assert.ok(Math.abs(part[j]! - one[j]!) < 0.02, `${part[j]} and ${one[j]}`);
      }
    }
    packed.dispose();
  }
});

test('wrong operands are named', () => {
  const scales = new Float32Array(3);
  const options = { bits: 4, blockSize: 16, scales } as const;
  const b = new Uint8Array(24);
  const refuse = (run: () => unknown, type: typeof TypeError | typeof RangeError, text: RegExp) =>
    assert.throws(run, (error: Error) => error instanceof type && text.test(error.message));
  refuse(() => packBlockwise([] as never, 16, 3, options), TypeError, /"b"/);
  refuse(() => packBlockwise(b, 17, 3, options), RangeError, /"b"/);
  refuse(() => packBlockwise(b, 16, 3, { ...options, bits: 2 as never }), RangeError, /"bits"/);
  refuse(() => packBlockwise(b, 16, 3, { ...options, blockSize: 8 }), RangeError, /"blockSize"/);
  const short = { ...options, scales: new Float32Array(2) };
  refuse(() => packBlockwise(b, 16, 3, short), RangeError, /"scales"/);
  const zeroPoints = new Uint8Array(2);
  refuse(() => packBlockwise(b, 16, 3, { ...options, zeroPoints }), RangeError, /"zeroPoints"/);
  const packed = packBlockwise(b, 16, 3, options);
  refuse(() => matmulBlockwise(new Float32Array(15), packed, 1, 16, 3), RangeError, /"a"/);
  refuse(() => matmulBlockwise(new Float32Array(15), packed, 1, 15, 3), RangeError, /"k"/);
  refuse(() => matmulBlockwise(new Float32Array(16), {} as never, 1, 16, 3), TypeError, /"b"/);
  packed.dispose();
  refuse(() => matmulBlockwise(new Float32Array(16), packed, 1, 16, 3), TypeError, /disposed/);
});

test.run();
