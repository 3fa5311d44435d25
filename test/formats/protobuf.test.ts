import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, LimitError } from '../../src/core/errors.ts';
import { type Limits, resolveLimits } from '../../src/core/limits.ts';
import { WireReader } from '../../src/formats/protobuf.ts';
import { decodeMessage } from '../../src/formats/protobuf-decode.ts';
import { joinPieces, measure } from '../../src/formats/protobuf-encode.ts';
import { type Message, messageTypes } from '../../src/formats/protobuf-schema.ts';

const x = suite('protobuf');

const types = messageTypes<'Tree' | 'Leaf'>(
  {
    Tree: {
      id: [1, 'int64'],
      name: [2, 'string'],
      child: [3, 'Tree'],
      leaves: [4, 'Leaf', 'many'],
      counts: [5, 'int64', 'many'],
      weights: [6, 'float', 'many'],
      lazy: [7, 'varints'],
      lazyFloats: [8, 'floats'],
      kind: [9, 'int32'],
      data: [10, 'bytes'],
      ratio: [11, 'double'],
      number: [12, 'int64', 'one of choice'],
      text: [13, 'string', 'one of choice'],
      leaf: [14, 'Leaf', 'one of choice'],
      tags: [15, 'string', 'many'],
    },
    Leaf: { value: [1, 'int32'], blobs: [2, 'bytes', 'many'] },
  },
  {},
);

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const unhex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/(..)(?=.)/g, '$1 ');
const decode = (text: string, limits?: Partial<Limits>): Message =>
  decodeMessage(types.Tree, hex(text), resolveLimits(limits, 1000), 'test');
const encode = (message: Message): string => unhex(joinPieces(measure(types.Tree, message)));
const fails = (text: string, code: string, place?: RegExp): void => {
  try {
    decode(text);
  } catch (error) {
    assert.instance(error, FormatError);
    assert.is((error as FormatError).code, code, text);
    if (place !== undefined) assert.match((error as FormatError).where!, place);
    return;
  }
  assert.unreachable(`${text} was accepted`);
};

x('64-bit integers are exact', () => {
  const cases: [string, number | bigint][] = [
    ['00', 0],
    ['7f', 127],
    ['80 01', 128],
    ['ff ff ff ff ff ff ff 0f', 2 ** 53 - 1],
    ['80 80 80 80 80 80 80 10', 2n ** 53n],
    ['81 80 80 80 80 80 80 10', 2n ** 53n + 1n],
    ['ff ff ff ff ff ff ff ff ff 01', -1],
    ['81 80 80 80 80 80 80 f0 ff 01', -(2 ** 53) + 1],
    ['80 80 80 80 80 80 80 f0 ff 01', -(2n ** 53n)],
    ['ff ff ff ff ff ff ff ff 7f', 2n ** 63n - 1n],
    ['80 80 80 80 80 80 80 80 80 01', -(2n ** 63n)],
    ['80 80 80 80 08', 2 ** 31],
    ['80 80 80 80 10', 2 ** 32],
  ];
  for (const [wire, value] of cases) {
    assert.is(decode(`08 ${wire}`).id, value);
    assert.is(encode({ id: value }), `08 ${wire}`);
  }
  // Longer than need be, but within 10 bytes.
  assert.is(decode('08 85 80 80 80 80 80 80 80 80 00').id, 5);
});

x('int32 keeps the low 32 bits', () => {
  assert.is(decode('48 ff ff ff ff 0f').kind, -1);
  assert.is(decode('48 ff ff ff ff ff ff ff ff ff 01').kind, -1);
  assert.is(decode('48 81 80 80 80 10').kind, 1);
  assert.is(encode({ kind: -2 }), '48 fe ff ff ff ff ff ff ff ff 01');
});

x('scalars', () => {
  const message = decode(
    '12 03 c3 a9 61 52 02 00 ff 59 00 00 00 00 00 00 f8 bf 35 00 00 20 40 35 00 00 80 ff',
  );
  assert.is(message.name, 'éa');
  assert.equal(message.data, new Uint8Array([0, 255]));
  assert.is(message.ratio, -1.5);
  assert.equal(message.weights, [2.5, -Infinity]);
  assert.is(
    encode({ weights: [Number.NaN], ratio: Number.NaN }),
    '35 00 00 c0 7f 59 00 00 00 00 00 00 f8 7f',
  );
});

x('an explicit default value is kept, an absent field is undefined', () => {
  const message = decode('08 00 12 00 22 00 52 00');
  assert.equal(message, { id: 0, name: '', leaves: [{}], data: new Uint8Array(0) });
  assert.is(encode(message), '08 00 12 00 22 00 52 00');
});

x('numbers packed, one by one, and both', () => {
  for (const wire of [
    '28 01 28 96 01 28 03',
    '2a 04 01 96 01 03',
    '28 01 2a 03 96 01 03',
    '2a 01 01 28 96 01 2a 01 03',
  ]) {
    const message = decode(wire);
    assert.equal(message.counts, [1, 150, 3], wire);
    assert.is(encode(message), '28 01 28 96 01 28 03');
  }
  assert.equal(decode('2a 00').counts, []);
  const floats = '32 08 00 00 80 3f 00 00 00 40 35 00 00 40 40';
  assert.equal(decode(floats).weights, [1, 2, 3]);
  assert.equal(decode('28 01 2a 0a ff ff ff ff ff ff ff ff 7f 07').counts, [1, 2n ** 63n - 1n, 7]);
});

x('lazy numbers stay on the wire', () => {
  assert.equal(decode('3a 03 01 96 01').lazy, hex('01 96 01'));
  assert.equal(
    decode('38 01 38 96 01 3a 01 05 38 ff ff ff ff ff ff ff ff ff 01').lazy,
    hex('01 96 01 05 ff ff ff ff ff ff ff ff ff 01'),
  );
  assert.equal(
    decode('45 00 00 80 3f 42 04 00 00 00 40').lazyFloats,
    hex('00 00 80 3f 00 00 00 40'),
  );
  assert.is(encode({ lazy: hex('01 96 01') }), '3a 03 01 96 01');
  const input = hex('3a 03 01 96 01');
  const view = decodeMessage(types.Tree, input, resolveLimits(undefined, 5), 'test')
    .lazy as Uint8Array;
  assert.is(view.buffer, input.buffer, 'a view, not a copy');
});

x('unknown fields are kept in order, groups included', () => {
  const unknown =
    'a0 06 01 a3 06 a8 06 02 ab 06 ac 06 a4 06 fa 7f 01 ff 81 05 01 02 03 04 05 06 07 08 85 05 01 02 03 04';
  const message = decode(`a0 06 01 08 05 ${unknown.slice(9)}`);
  assert.is(message.id, 5);
  assert.is(unhex(message.unknown!), unknown);
  assert.is(encode(message), `08 05 ${unknown}`);
});

x('a known field with another wire type is kept as unknown', () => {
  const message = decode('0a 01 61 10 07');
  assert.equal(message, { unknown: hex('0a 01 61 10 07') });
});

x('of a scalar the last counts, messages merge', () => {
  assert.equal(decode('08 01 08 02 12 01 61 12 01 62'), { id: 2, name: 'b' });
  const merged = decode('1a 06 08 01 7a 02 61 62 1a 09 7a 01 63 10 01 38 07 38 08 1a 03 3a 01 09');
  assert.equal(merged, {
    child: { id: 1, tags: ['ab', 'c'], unknown: hex('10 01'), lazy: hex('07 08 09') },
  });
});

x('of a oneof the last counts', () => {
  assert.equal(decode('60 01 6a 01 61'), { text: 'a' });
  assert.equal(decode('72 02 08 05 72 03 12 01 ff 72 00'), {
    leaf: { value: 5, blobs: [hex('ff')] },
  });
  assert.equal(decode('72 02 08 05 60 07 72 02 08 06'), { leaf: { value: 6 } });
  assert.throws(
    () => encode({ text: 'a', number: 1 }),
    (error: unknown) => error instanceof RangeError,
  );
});

x('what is cut off or malformed is a FormatError with place and offset', () => {
  fails('08', 'E_PROTOBUF_TRUNCATED', /^test: id, byte 1$/);
  fails('08 80', 'E_PROTOBUF_TRUNCATED', /^test: id, byte 1$/);
  fails('80', 'E_PROTOBUF_TRUNCATED', /^test: Tree, byte 0$/);
  fails('12 05 61', 'E_PROTOBUF_TRUNCATED');
  fails('12 ff ff ff ff 07', 'E_PROTOBUF_TRUNCATED');
  fails('12 ff ff ff ff 0f', 'E_PROTOBUF_VARINT');
  fails(
    '22 02 08 05 22 03 08 80 01 1a 04 12 01 61 08',
    'E_PROTOBUF_TRUNCATED',
    /^test: child "a"\.id, byte 15$/,
  );
  // An inner length that reaches past the outer end, though not past the file.
  fails(
    '22 02 12 05 08 01 08 01 08 01',
    'E_PROTOBUF_TRUNCATED',
    /^test: leaves\[0\]\.blobs\[0\], byte 3$/,
  );
  fails('35 00 00', 'E_PROTOBUF_TRUNCATED');
  fails('59 00 00', 'E_PROTOBUF_TRUNCATED');
  fails('08 ff ff ff ff ff ff ff ff ff 02', 'E_PROTOBUF_VARINT');
  fails('08 ff ff ff ff ff ff ff ff ff ff 01', 'E_PROTOBUF_VARINT');
  fails('ff ff ff ff ff 01', 'E_PROTOBUF_VARINT');
  fails('00 01', 'E_PROTOBUF_TAG');
  fails('0e 01', 'E_PROTOBUF_TAG');
  fails('0f 01', 'E_PROTOBUF_TAG');
  fails('32 03 00 00 00', 'E_PROTOBUF_PACKED');
  fails('2a 02 01 80', 'E_PROTOBUF_PACKED');
  fails('42 05 00 00 00 00 00', 'E_PROTOBUF_PACKED');
  fails('3a 02 01 80', 'E_PROTOBUF_PACKED');
  fails('a3 06', 'E_PROTOBUF_GROUP');
  fails('a3 06 08 01', 'E_PROTOBUF_GROUP');
  fails('a3 06 ac 06', 'E_PROTOBUF_GROUP');
  fails('a4 06', 'E_PROTOBUF_GROUP');
});

/** A message in a message … n times. */
function nested(n: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let i = 0; i < n; i++) {
    const head: number[] = [0x1a];
    for (let rest = length; ; rest >>= 7) {
      head.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    parts.unshift(new Uint8Array(head));
    length += head.length;
  }
  return new Uint8Array(Buffer.concat(parts));
}

x('nesting up to the limit, which may be any', () => {
  const limit = (error: unknown): boolean => error instanceof LimitError && error.limit === 'depth';
  const at = (n: number, depth: number): Message =>
    decodeMessage(types.Tree, nested(n), resolveLimits({ depth }, 1e6), 'test');
  assert.ok(at(64, 64));
  assert.throws(() => at(65, 64), limit);
  assert.ok(at(50_000, 1e9), 'no call stack is used');
  const groups = (n: number): string => 'a3 06'.repeat(n) + 'a4 06'.repeat(n);
  assert.ok(decode(groups(64)));
  assert.throws(() => decode(groups(65)), limit);
});

x('values that their fields cannot hold are refused by name', () => {
  const wrong: [Message, RegExp][] = [
    [{ id: 2 ** 53 }, /Tree\.id/],
    [{ id: 1.5 }, /Tree\.id/],
    [{ id: 2n ** 63n }, /Tree\.id/],
    [{ kind: 2 ** 31 }, /Tree\.kind/],
    [{ name: 5 }, /Tree\.name/],
    [{ child: 'a' }, /Tree\.child/],
    [{ leaves: {} }, /Tree\.leaves/],
    [{ leaves: [undefined] }, /Tree\.leaves/],
    [{ leaves: [{ blobs: ['a'] }] }, /Leaf\.blobs/],
    [{ weights: ['1'] }, /Tree\.weights/],
    [{ data: { size: 1, read: () => new Uint8Array(1) } }, /Tree\.data/],
  ];
  for (const [message, name] of wrong) {
    assert.throws(
      () => encode(message),
      (error: unknown) =>
        (error instanceof TypeError || error instanceof RangeError) && name.test(error.message),
    );
  }
  const cycle: Message = {};
  cycle.child = cycle;
  assert.throws(
    () => encode(cycle),
    (error: unknown) => error instanceof FormatError,
  );
});

x('the reader names offsets within a file', () => {
  const wire = new WireReader(hex('08 80'), () => 'here');
  wire.tag();
  assert.throws(
    () => wire.int64(),
    (error: unknown) => error instanceof FormatError && error.where === 'here, byte 1',
  );
});

x.run();
