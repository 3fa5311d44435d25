import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convGeometry } from '../../../src/kernels/geometry.ts';
import { convRequantized } from '../../../src/kernels/index.ts';
import { padded } from '../../../src/kernels/int8/panels.ts';
import {
  type LevelWinograd,
  levelWinograd,
  packLevelWinograd,
  runLevelWinograd,
  sumsAreExact,
} from '../../../src/kernels/int8/winograd.ts';
import { libraryBackend } from '../../../src/wasm/library.ts';
import { type Levels, levels, type Rule, random, randomRule, zeroAt, zeros } from './plain.ts';

const test = suite('integer convolutions by Winograd');
const volume = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

interface Case {
  shape: number[];
  weightShape: number[];
  pads: number[];
}

const planOf = (each: Case): LevelWinograd | null => levelWinograd(convGeometry(each));

/** What the plan computes, with memory around the result that nobody may touch. */
function run(
  plan: LevelWinograd,
  x: Levels,
  w: Levels,
  xZero: number,
  wZero: number | Int32Array | undefined,
  rule: Rule,
  bias: Int32Array,
): Uint8Array {
  const { arena, simd } = libraryBackend();
  const { batch, outHeight, outWidth, outChannels } = plan;
  const count = batch * outHeight * outWidth * outChannels;
  const wide = padded(outChannels);
  const sizes = [x.length, plan.weightBytes, 4 * wide, 4 * wide, count + 64, plan.scratchBytes];
  return arena.withScratch(sizes, (at, weights, init, scales, y, scratch) => {
    const all = Int32Array.from({ length: outChannels }, (_, i) => zeroAt(wZero, i));
    const { u8, i32, f32 } = arena.views();
    u8.set(new Uint8Array(x.buffer, x.byteOffset, x.length), at);
    u8.fill(0xa5, scratch, scratch + plan.scratchBytes);
    u8.fill(0xa5, y, y + count + 64);
    i32.fill(0, init >>> 2, (init >>> 2) + wide);
    i32.set(bias, init >>> 2);
    for (let i = 0; i < wide; i++) f32[(scales >>> 2) + i] = zeroAt(rule.scale, i);
    packLevelWinograd(libraryBackend(), plan, w, all, weights);
    runLevelWinograd(
      { simd },
      plan,
      { x: at, weights, bias: init, scales, y, scratch },
      {
        xZero,
        isUnsigned: x instanceof Uint8Array,
        zero: rule.zeroPoint,
        lo: rule.min,
        hi: rule.max,
      },
    );
    const after = arena.views().u8;
    assert.ok(
      after.subarray(y + count, y + count + 64).every((byte) => byte === 0xa5),
      'nothing behind the result',
    );
    return after.slice(y, y + count);
  });
}

test('the bits of direct computation, on 160 convolutions', () => {
  const draw = random(77);
  for (let round = 0; round < 160; round++) {
    const pads = Array.from({ length: 4 }, () => draw.below(3));
    const least = (axis: number): number => Math.max(1, 3 - pads[axis]! - pads[axis + 2]!);
    const channels = 8 + draw.below(20);
    const outputs = 8 + draw.below(20);
    const batch = 1 + draw.below(4);
    const each: Case = {
      shape: [batch, least(0) + draw.below(12), least(1) + draw.below(12), channels],
      weightShape: [outputs, 3, 3, channels],
      pads,
    };
    const [xUnsigned, wUnsigned] = [draw.below(2) === 0, draw.below(2) === 0];
    const x = levels(volume(each.shape), xUnsigned, draw);
    const w = levels(volume(each.weightShape), wUnsigned, draw);
    const xZeroPoint = draw.below(256) - (xUnsigned ? 0 : 128);
    const wZeroPoint = zeros(outputs, wUnsigned, draw);
    const rule: Rule = { ...randomRule(outputs, 9 * channels, draw), rounding: 'single' };
    const bias = Int32Array.from({ length: outputs }, () => draw.below(200001) - 100000);
    const options = { ...each, groups: 1, xZeroPoint, wZeroPoint, bias, ...rule };
    const expected = convRequantized(x, w, options);
    const got = run(planOf(each)!, x, w, xZeroPoint, wZeroPoint, rule, bias);
    const bytes = new Uint8Array(expected.buffer, expected.byteOffset, expected.length);
    assert.equal(got, bytes, `${round}: ${JSON.stringify(each)}`);
  }
});

test('several blocks of an image, and several images in a block', () => {
  const draw = random(5);
  for (const shape of [
    [1, 41, 70, 24],
    [9, 8, 7, 32],
    [5, 30, 30, 40],
  ]) {
    const each: Case = { shape, weightShape: [40, 3, 3, shape[3]!], pads: [1, 1, 1, 1] };
    const x = levels(volume(shape), false, draw);
    const w = levels(volume(each.weightShape), false, draw);
    const rule: Rule = { ...randomRule(40, 9 * shape[3]!, draw), rounding: 'single' };
    const bias = Int32Array.from({ length: 40 }, () => draw.below(2001) - 1000);
    const expected = convRequantized(x, w, { ...each, groups: 1, xZeroPoint: 7, bias, ...rule });
    const got = run(planOf(each)!, x, w, 7, 0, rule, bias);
    assert.equal(got, new Uint8Array(expected.buffer, expected.byteOffset, expected.length));
  }
});

test('the largest sums that are taken for exact are', () => {
  const shape = [1, 8, 8, 112];
  const each: Case = { shape, weightShape: [8, 3, 3, 112], pads: [0, 0, 0, 0] };
  const plan = planOf(each)!;
  const w = new Int8Array(volume(each.weightShape)).fill(-128);
  const x = new Uint8Array(volume(shape)).fill(255);
  assert.ok(sumsAreExact(plan, () => w, new Int32Array(8), null, 255));
  const rule: Rule = {
    scale: 127 / (9 * 112 * 128 * 255),
    zeroPoint: 0,
    type: 'int8',
    min: -128,
    max: 127,
    rounding: 'single',
  };
  const got = run(plan, x, w, 0, 0, rule, new Int32Array(8));
  assert.ok(got.every((level) => level === 256 - 127));
});

test('sums that may be too large are refused', () => {
  const plan = planOf({ shape: [1, 8, 8, 128], weightShape: [8, 3, 3, 128], pads: [0, 0, 0, 0] })!;
  const w = (weight: number) => () => new Int8Array(8 * 9 * 128).fill(weight);
  const none = new Int32Array(8);
  assert.ok(sumsAreExact(plan, w(100), none, null, 255));
  assert.not.ok(sumsAreExact(plan, w(-120), none, null, 255));
  assert.ok(sumsAreExact(plan, w(-120), none, null, 128));
  assert.not.ok(sumsAreExact(plan, w(1), none, Int32Array.of(1, -(2 ** 25)), 255));
  assert.not.ok(
    sumsAreExact(
      plan,
      w(1),
      Int32Array.from(none, () => 200),
      null,
      255,
    ),
  );
});

test('what it is not for', () => {
  const fine: Case = { shape: [1, 6, 6, 8], weightShape: [8, 3, 3, 8], pads: [0, 0, 0, 0] };
  assert.ok(planOf(fine) !== null);
  assert.is(planOf({ ...fine, weightShape: [8, 1, 3, 8] }), null);
  assert.is(planOf({ ...fine, weightShape: [7, 3, 3, 8] }), null);
  assert.is(levelWinograd(convGeometry({ ...fine, strides: [1, 2] })), null);
  assert.is(levelWinograd(convGeometry({ ...fine, dilations: [2, 1] })), null);
  assert.is(planOf({ ...fine, shape: [1, 6, 6, 7], weightShape: [8, 3, 3, 7] }), null);
});

test.run();
