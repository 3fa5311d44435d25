import { encode as encodePublished, toObject } from 'flatbuffers/mjs/flexbuffers.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../src/core/errors.ts';
import { random } from '../../src/core/random.ts';
import { decodeFlex, FlexBlob, type FlexValue } from '../../src/formats/flatbuffer/flex-read.ts';
import { encodeFlex } from '../../src/formats/flatbuffer/flex-write.ts';

const x = suite('flexbuffers');

const published = (bytes: Uint8Array): unknown => toObject(bytes.slice().buffer as ArrayBuffer);

const isA =
  (kind: new (...args: never[]) => Error) =>
  (error: unknown): boolean =>
    error instanceof kind;

const values: FlexValue[] = [
  null,
  true,
  0,
  -1,
  127,
  128,
  -32769,
  2 ** 31,
  2 ** 40,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 64n - 1n,
  0.5,
  -0.1,
  1e300,
  '',
  'text',
  'x'.repeat(300),
  [],
  [1, 'two', null, [3.5, [true]], { k: -7 }],
  {},
  { a: [1, 2], b: 1, other: { deep: { deeper: 'yes' } }, é: 0.25 },
  {
    max_detections: 10,
    nms_iou_threshold: 0.6000000238418579,
    use_regular_nms: false,
    y_scale: 10,
  },
  Array.from({ length: 300 }, (_, i) => i * 1000),
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${1000 + i}`, `value ${i}`])),
];

x('what we write, we and the published runtime read', () => {
  for (const value of values) {
    const bytes = encodeFlex(value);
    assert.equal(decodeFlex(bytes), value);
    // The published one has bigints for wide integers.
    assert.equal(JSON.stringify(published(bytes), plain), JSON.stringify(value, plain));
    assert.equal(encodeFlex(decodeFlex(bytes)), bytes);
  }
});

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

x('what the published runtime writes, we read', () => {
  for (const value of values) {
    // It takes whole numbers for integers of 64 bits, however large.
    if (typeof value === 'bigint' || value === 1e300) continue;
    const bytes = encodePublished(value);
    const read = decodeFlex(bytes);
    // It writes arrays of one kind as typed vectors.
    const loose = (item: unknown): unknown =>
      ArrayBuffer.isView(item)
        ? Array.from(item as Uint8Array, Number)
        : Array.isArray(item)
          ? item.map(loose)
          : item !== null && typeof item === 'object'
            ? Object.fromEntries(Object.entries(item).map(([k, v]) => [k, loose(v)]))
            : item;
    assert.equal(loose(read), value);
  }
});

x('typed vectors and blobs', () => {
  for (const numbers of [
    Int8Array.of(-1, 2),
    Int16Array.of(-300, 5),
    Int32Array.of(1, 2 ** 31 - 1),
    BigInt64Array.of(-1n, 2n ** 62n),
    Uint8Array.of(1, 255),
    Uint16Array.of(65535),
    Uint32Array.of(4294967295),
    BigUint64Array.of(2n ** 64n - 1n),
    Float32Array.of(0.5, -2),
    Float64Array.of(0.1),
    Int8Array.of(),
  ]) {
    assert.equal(decodeFlex(encodeFlex(numbers)), numbers);
    assert.equal(decodeFlex(encodeFlex({ in: [numbers] })), { in: [numbers] });
    // The published reader fails where a length takes 8 bytes.
    if (numbers.BYTES_PER_ELEMENT === 8) continue;
    const seen = published(encodeFlex(numbers)) as ArrayLike<number>;
    assert.equal(Array.from(seen, String), Array.from(numbers as Int8Array, String));
  }
  const long = new Int8Array(300).fill(-3);
  assert.equal(decodeFlex(encodeFlex(long)), Int16Array.from(long), 'its length needs 2 bytes');
  const blob = new FlexBlob(Uint8Array.of(1, 2, 3));
  assert.equal(decodeFlex(encodeFlex([blob])), [blob]);
});

x('by hand', () => {
  // Vectors of two and of three numbers have no length: [2, -1] and [1, 2, 3] of bytes.
  const pair = Uint8Array.of(2, 255, 2, (16 << 2) | 0, 1);
  assert.equal(decodeFlex(pair), Int8Array.of(2, -1));
  const triple = Uint8Array.of(1, 2, 3, 3, (20 << 2) | 0, 1);
  assert.equal(decodeFlex(triple), Uint8Array.of(1, 2, 3));
  // A number that an offset leads to: −300 in two bytes, 0.5 in four.
  assert.is(decodeFlex(Uint8Array.of(0xd4, 0xfe, 2, (6 << 2) | 1, 1)), -300);
  assert.is(decodeFlex(Uint8Array.of(0, 0, 0, 0x3f, 4, (8 << 2) | 2, 1)), 0.5);
  assert.equal(decodeFlex(Uint8Array.of(3, 1, 0, 1, 3, (36 << 2) | 0, 1)), [true, false, true]);
});

x('a key may be called __proto__', () => {
  const value = JSON.parse('{"__proto__": {"polluted": 1}}') as FlexValue;
  const read = decodeFlex(encodeFlex(value)) as Record<string, FlexValue>;
  assert.ok(Object.hasOwn(read, '__proto__'));
  assert.is(({} as Record<string, unknown>).polluted, undefined);
});

x('hostile bytes end in a typed error or a value, soon', () => {
  const { below } = random(5);
  const seeds = values.map(encodeFlex);
  const start = performance.now();
  let accepted = 0;
  for (let run = 0; run < 20_000; run++) {
    const bytes = seeds[below(seeds.length)]!.slice();
    for (let i = 1 + below(4); i > 0; i--) bytes[below(bytes.length)] = below(256);
    if (below(5) === 0)
      bytes.set([below(256), below(200), 1 << below(4)], Math.max(0, bytes.length - 3));
    try {
      decodeFlex(bytes);
      accepted++;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  assert.ok(accepted > 100 && accepted < 20_000, `${accepted}`);
  // A vector whose 200 elements all lead to the vector before it, 20 times over.
  const parts: number[] = [0, 0];
  let previous = 1;
  for (let level = 0; level < 20; level++) {
    const at = parts.length + 1;
    parts.push(100);
    for (let i = 0; i < 100; i++) parts.push(at + i - previous);
    for (let i = 0; i < 100; i++) parts.push(10 << 2);
    previous = at;
  }
  const bomb = Uint8Array.from([...parts, parts.length - previous, 10 << 2, 1]);
  assert.throws(() => decodeFlex(bomb), isA(FormatError));
  assert.ok(performance.now() - start < 5000);
});

x('what is no plain data is refused', () => {
  for (const value of [undefined, () => 1, Symbol('s')])
    assert.throws(() => encodeFlex(value as unknown as FlexValue), isA(TypeError));
  assert.throws(() => encodeFlex(2n ** 64n), isA(RangeError));
  assert.throws(() => encodeFlex({ 'a\0b': 1 }), isA(TypeError));
  let deep: FlexValue = 1;
  for (let i = 0; i < 70; i++) deep = [deep];
  assert.throws(() => encodeFlex(deep), isA(RangeError));
});

x.run();
