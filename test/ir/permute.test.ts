import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { constantOf, permutedConstant, readConstant } from '../../src/ir/index.ts';
import { permuteElements } from '../../src/ir/permute-elements.ts';

const x = suite('permuted elements');

/** By definition, element by element. */
function naive(
  bytes: Uint8Array,
  shape: readonly number[],
  perm: readonly number[],
  width: number,
): Uint8Array {
  const dims = perm.map((axis) => shape[axis]!);
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length / width; i++) {
    const place = new Array<number>(shape.length);
    let rest = i;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      place[perm[axis]!] = rest % dims[axis]!;
      rest = Math.floor(rest / dims[axis]!);
    }
    const from = place.reduce((at, index, axis) => at * shape[axis]! + index, 0);
    result.set(bytes.subarray(from * width, (from + 1) * width), i * width);
  }
  return result;
}

const cases: readonly (readonly [shape: number[], perm: number[]])[] = [
  [[5], [0]],
  [[], []],
  [
    [3, 7],
    [1, 0],
  ],
  [
    [40, 70],
    [1, 0],
  ],
  [
    [4, 3, 3, 3],
    [0, 2, 3, 1],
  ],
  [
    [4, 70, 2, 33],
    [0, 2, 3, 1],
  ],
  [
    [24, 1, 3, 3],
    [1, 2, 3, 0],
  ],
  [
    [6, 5, 1, 1],
    [0, 2, 3, 1],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 0, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 1, 3, 2],
  ],
  [
    [2, 3, 130],
    [1, 0, 2],
  ],
  [
    [2, 3, 4, 5, 6],
    [4, 2, 0, 3, 1],
  ],
  [
    [0, 3, 4],
    [2, 0, 1],
  ],
];

for (const width of [1, 2, 4, 8, 16]) {
  x(`${width} bytes each, as by definition`, () => {
    const next = random(width);
    for (const [shape, perm] of cases) {
      const count = shape.reduce((a, b) => a * b, width);
      // Off the borders of words, too.
      const bytes = Uint8Array.from({ length: count + 1 }, () => next.below(256)).subarray(1);
      const expected = naive(bytes, shape, perm, width);
      assert.equal(permuteElements(bytes, shape, perm, width), expected, `${shape} ${perm}`);
    }
  });
}

x('a constant in another order is read whole or in parts, and back for nothing', () => {
  const bytes = Uint8Array.from({ length: 4 * 24 }, (_, i) => i);
  const constant = constantOf('float32', [2, 3, 4], bytes);
  const turned = permutedConstant(constant, [2, 0, 1]);
  const whole = readConstant(turned) as Uint8Array;
  assert.equal(whole, naive(bytes, [2, 3, 4], [2, 0, 1], 4));
  for (const [offset, length] of [
    [0, 10],
    [7, 40],
    [90, 6],
  ] as const)
    assert.equal(turned.data.read(offset, length), whole.subarray(offset, offset + length));
  assert.is(permutedConstant(turned, [1, 2, 0]), constant);
});

x('axes of size 1 change places without a copy', () => {
  const constant = constantOf('float32', [6, 5, 1, 1], new Uint8Array(120));
  const turned = permutedConstant(constant, [0, 2, 3, 1]);
  assert.equal(turned.shape, [6, 1, 1, 5]);
  assert.is(turned.data, constant.data);
  assert.is(permutedConstant(turned, [0, 3, 1, 2]), constant);
});

x.run();
