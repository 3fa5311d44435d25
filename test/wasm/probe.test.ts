import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Arena } from '../../src/wasm/arena.ts';
import { backend, backendInfo } from '../../src/wasm/load.ts';
import { probeInt8 } from '../../src/wasm/probe.ts';

const test = suite('relaxed dot probe');

type Dot = (
  pairs: readonly (readonly [a: number, b: number])[],
  start: number,
  call: number,
) => number;

const signed = (byte: number): number => (byte << 24) >> 24;
const clamp16 = (value: number): number => Math.max(-32768, Math.min(32767, value));
const sum = (terms: number[]): number => terms.reduce((a, b) => a + b, 0);

/** Engines as they have been seen, and as the standard allows them. */
const engines: Record<string, { dot: Dot; mode: string }> = {
  'exact u8 × s8 (VNNI in V8)': {
    dot: (pairs, start) => (start + sum(pairs.map(([a, b]) => a * b))) | 0,
    mode: 'usdot',
  },
  'exact s8 × s8 (sdot on ARM)': {
    dot: (pairs, start) => (start + sum(pairs.map(([a, b]) => a * signed(b)))) | 0,
    mode: 'sdot',
  },
  'u8 × s8, pairs saturated to 16 bits (pmaddubsw)': {
    dot: (pairs, start) => {
      const products = pairs.map(([a, b]) => a * b);
      return (
        (start + clamp16(products[0]! + products[1]!) + clamp16(products[2]! + products[3]!)) | 0
      );
    },
    mode: 'i16',
  },
  's8 × s8, pairs saturated to 16 bits': {
    dot: (pairs, start) => {
      const products = pairs.map(([a, b]) => a * signed(b));
      return (
        (start + clamp16(products[0]! + products[1]!) + clamp16(products[2]! + products[3]!)) | 0
      );
    },
    mode: 'i16',
  },
  'twice the result in range (Liftoff in V8 11.3)': {
    dot: (pairs, start) => (start + 2 * sum(pairs.map(([a, b]) => a * b))) | 0,
    mode: 'i16',
  },
  'an accumulator that is not added': {
    dot: (pairs) => sum(pairs.map(([a, b]) => a * b)),
    mode: 'i16',
  },
  'another compiler after some calls': {
    dot: (pairs, start, call) =>
      (start + sum(pairs.map(([a, b]) => a * (call > 20 ? signed(b) : b)))) | 0,
    mode: 'i16',
  },
};

for (const [name, { dot, mode }] of Object.entries(engines)) {
  test(`${name}: ${mode}`, () => {
    const arena = new Arena(new WebAssembly.Memory({ initial: 1 }));
    let calls = 0;
    const relaxed_dot = (a: number, b: number, c: number, target: number): void => {
      const { i8, u8, i32 } = arena.views();
      calls += 1;
      for (let lane = 0; lane < 4; lane++) {
        const pairs = [0, 1, 2, 3].map(
          (k) => [i8[a + 4 * lane + k]!, u8[b + 4 * lane + k]!] as const,
        );
        i32[target / 4 + lane] = dot(pairs, i32[c / 4 + lane]!, calls);
      }
    };
    assert.is(probeInt8({ relaxed_dot }, arena), mode);
  });
}

test('this engine gets a mode that its values bear out', () => {
  const { relaxed, arena, int8 } = backend();
  const info = backendInfo();
  assert.is(info.simd, true);
  assert.is(info.relaxed, relaxed !== null);
  assert.is(info.int8, int8);
  assert.is(info.memoryBytes, arena.memory.buffer.byteLength);
  if (relaxed === null) {
    assert.is(int8, 'i16');
    return;
  }
  const [a, b, c, target] = arena.scratch(16, 16, 16, 16) as [number, number, number, number];
  const { i8, u8, i32 } = arena.views();
  i8.fill(-128, a, a + 16);
  u8.fill(255, b, b + 16);
  i32.fill(7, c / 4, c / 4 + 4);
  relaxed.relaxed_dot(a, b, c, target);
  const value = arena.views().i32[target / 4];
  if (int8 === 'usdot') assert.is(value, 7 - 4 * 128 * 255);
  else if (int8 === 'sdot') assert.is(value, 7 + 4 * 128);
});

test.run();
