import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelpressError } from '../../src/core/errors.ts';
import { decodeTables } from '../../src/formats/flatbuffer/decode.ts';
import { encodeTables, joinEncoded } from '../../src/formats/flatbuffer/encode.ts';
import { parseSchema } from '../../src/formats/flatbuffer/schema.ts';
import { type VerifyOptions, verifyTables } from '../../src/formats/flatbuffer/verify.ts';

const x = suite('flatbuffer');

// The monster of the FlatBuffers tutorial, in part.
const schema = parseSchema(`
|Gear Weapon Armor
Weapon name:s! damage:h
Armor layers:[i
Monster pos:#12%4 mana:h=150 hp:h=100 name:s friendly:? inventory:[B%16 gold:Q weapons:[@Weapon path:[#12%4 gear:|Gear self:@Monster names:[s ratio:d`);

/** Time of the processor: others are at work on it too. */
const cpuMs = (): number => process.cpuUsage().user / 1000;

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const encode = (record: Record<string, unknown>): Uint8Array =>
  joinEncoded(encodeTables(record, schema, 'Monster', { identifier: 'MONS' }));
const decode = (bytes: Uint8Array, options: VerifyOptions = {}): Record<string, unknown> =>
  decodeTables(bytes, schema, 'Monster', { identifier: 'MONS', ...options });

function fails(bytes: Uint8Array, code: string, where: string, options: VerifyOptions = {}): void {
  try {
    verifyTables(bytes, schema, 'Monster', { identifier: 'MONS', ...options });
  } catch (error) {
    assert.instance(error, ModelpressError);
    const { code: got, where: place, message } = error as ModelpressError;
    assert.equal([got, place], [code, where], message);
    return;
  }
  assert.unreachable(`accepted: ${where}`);
}

x('a buffer by hand', () => {
  // Root offset, identifier | vtable: 12 bytes, table 12, hp at 8, name at 4 | table: vtable 12 before, name, hp, padding | name.
  const bytes = hex(
    '14000000 4d4f4e53 0c00 0c00 0000 0000 0800 0400  0c000000 08000000 2c01 0000  03000000 4f726300',
  );
  assert.equal(decode(bytes), { hp: 300, name: 'Orc' });
  assert.equal(verifyTables(bytes, schema, 'Monster'), { tables: 1, depth: 1, unknown: [] });
  // A table may end in what belongs to nobody; ours does not.
  assert.is(encode({ hp: 300, name: 'Orc' }).length, bytes.length);
});

x('everything that a schema has comes back', () => {
  const monster = {
    pos: new Uint8Array(12).map((_, i) => i),
    mana: -3,
    hp: 100,
    name: 'Ö\udcff',
    friendly: true,
    inventory: Uint8Array.of(1, 2, 3),
    gold: 2n ** 63n + 1n,
    weapons: [{ name: 'Axe', damage: 5 }, { name: '' }],
    path: new Uint8Array(24).fill(7),
    gear: { type: 'Armor', value: { layers: Int32Array.of(-1, 2 ** 31 - 1) } },
    self: { gear: { type: 'Weapon', value: { name: 'Bow' } }, names: ['a', 'bc', ''] },
    ratio: 0.1,
  };
  const bytes = encode(monster);
  assert.equal(decode(bytes), monster);
  // Wherever the bytes lie in memory.
  for (let shift = 1; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    assert.equal(decode(moved.subarray(shift)), monster);
  }
});

x('equal vtables are shared, forced alignment holds, large vectors are passed on', () => {
  const weapons = Array.from({ length: 50 }, (_, i) => ({ name: `w${i}`, damage: i }));
  const one = encode({ weapons: weapons.slice(0, 1) }).length;
  // A table of 12 bytes and a string of 8: no vtable of its own.
  assert.is(encode({ weapons }).length - one, 49 * (4 + 12 + 8));
  for (let length = 0; length < 40; length++) {
    const bytes = encode({ name: 'x'.repeat(length), inventory: Uint8Array.of(9, 8, 7) });
    assert.is(Buffer.from(bytes).indexOf(Buffer.from([9, 8, 7])) % 16, 0);
  }
  const inventory = new Uint8Array(5000).fill(3);
  const { parts, size } = encodeTables({ inventory, self: { inventory } }, schema, 'Monster');
  assert.is(
    parts.filter((part) => part instanceof Uint8Array && part.buffer === inventory.buffer).length,
    1,
    'once, and a view of the same memory',
  );
  assert.ok(size < 5200);
});

x('what is broken is named with its place', () => {
  const valid = encode({ name: 'Orc', weapons: [{ name: 'Axe' }, { name: 'Bow' }] });
  const at = (text: string): number => Buffer.from(valid).indexOf(text);
  const patched = (position: number, ...bytes: number[]): Uint8Array => {
    const copy = valid.slice();
    copy.set(bytes, position);
    return copy;
  };
  fails(new Uint8Array(3), 'E_FLATBUFFER', 'Monster');
  fails(patched(4, 0x4e), 'E_FLATBUFFER_IDENTIFIER', 'Monster');
  fails(patched(0, 0, 0, 0, 0), 'E_FLATBUFFER', 'Monster');
  fails(patched(0, 255, 255, 255, 127), 'E_FLATBUFFER', 'Monster');
  // Length of a string, its final zero, an offset that is not aligned.
  fails(patched(at('Bow') - 4, 255, 255, 255, 255), 'E_FLATBUFFER', 'Monster.weapons[1].name');
  fails(patched(at('Orc') + 3, 1), 'E_FLATBUFFER', 'Monster.name');
  const root = valid[0]!;
  fails(patched(0, root + 2), 'E_FLATBUFFER', 'Monster');
  fails(patched(root, 0, 0, 0, 128), 'E_FLATBUFFER', 'Monster');
  // Cut short anywhere, it is refused.
  for (let length = 0; length < valid.length; length++) {
    try {
      decode(valid.slice(0, length));
    } catch (error) {
      assert.instance(error, ModelpressError);
      continue;
    }
    assert.unreachable(`accepted at ${length}`);
  }
});

x('required fields, union members and newer fields', () => {
  const newer = parseSchema(
    '|Gear Weapon Armor Ring\nWeapon name:s damage:h age:i\nArmor\nRing\nMonster pos:#12%4 mana:h hp:h name:s friendly:? inventory:[B gold:Q weapons:[@Weapon path:[#12%4 gear:|Gear',
  );
  const from = (record: Record<string, unknown>): Uint8Array =>
    joinEncoded(encodeTables(record, newer, 'Monster', { identifier: 'MONS' }));
  fails(from({ weapons: [{ damage: 3 }] }), 'E_FLATBUFFER', 'Monster.weapons[0].name');
  fails(from({ gear: { type: 'Ring', value: {} } }), 'E_FLATBUFFER_UNION', 'Monster.gear');
  const weapons = [
    { name: 'a', age: 3 },
    { name: 'b', age: 4 },
  ];
  const unknown: unknown[] = [];
  const onUnknown = (field: unknown): void => {
    unknown.push(field);
  };
  const record = decodeTables(from({ weapons }), schema, 'Monster', { onUnknown });
  assert.equal(record, { weapons: [{ name: 'a' }, { name: 'b' }] });
  assert.equal(unknown, [{ table: 'Weapon', slot: 2, count: 2 }]);
});

x('nesting and sharing are bounded', () => {
  const nested = (levels: number): Uint8Array => {
    let record: Record<string, unknown> = {};
    for (let i = 1; i < levels; i++) record = { self: record };
    return encode(record);
  };
  assert.is(verifyTables(nested(64), schema, 'Monster').depth, 64);
  const path = `Monster${'.self'.repeat(64)}`;
  fails(nested(65), 'E_LIMIT', path);
  assert.is(verifyTables(nested(100), schema, 'Monster', { limits: { depth: 100 } }).depth, 100);
  // 40 tables, each with two offsets to the next: 2^40 on a walk. `self` twice, by a schema in which it has a twin.
  const twice = parseSchema('Node left:@Node right:@Node');
  const levels = 40;
  const bytes = new Uint8Array(12 + levels * 16 + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 12, true);
  view.setUint16(4, 8, true);
  view.setUint16(6, 12, true);
  view.setUint16(8, 4, true);
  view.setUint16(10, 8, true);
  for (let i = 0; i <= levels; i++) {
    const at = 12 + 16 * i;
    if (i === levels) {
      // The last has a vtable without fields, right behind it.
      view.setInt32(at, -4, true);
      view.setUint16(at + 4, 4, true);
      view.setUint16(at + 6, 4, true);
      break;
    }
    view.setInt32(at, at - 4, true);
    view.setUint32(at + 4, 12, true);
    view.setUint32(at + 8, 8, true);
  }
  const start = cpuMs();
  assert.throws(
    () => verifyTables(bytes, twice, 'Node'),
    (error: unknown) => error instanceof ModelpressError && error.code === 'E_LIMIT',
  );
  assert.ok(cpuMs() - start < 500);
  // Ten levels are 1,024 leaves: few enough.
  view.setInt32(12 + 16 * 10, -4, true);
  view.setUint16(12 + 16 * 10 + 4, 4, true);
  view.setUint16(12 + 16 * 10 + 6, 4, true);
  assert.is(verifyTables(bytes, twice, 'Node').depth, 11);
});

x('a schema or a record that is wrong', () => {
  for (const text of [
    'Table field',
    'Table a:@None',
    'Table a:|None',
    'Table a:[|None',
    'Table a:z',
  ])
    assert.throws(
      () => parseSchema(text),
      (error: unknown) => error instanceof ModelpressError && error.code === 'E_SCHEMA',
    );
  for (const record of [
    { hp: 'x' },
    { nothing: 1 },
    { name: 3 },
    { gear: { type: 'Ring' } },
    { gold: '1' },
  ])
    assert.throws(
      () => encode(record),
      (error: unknown) => error instanceof TypeError,
    );
  for (const record of [{ hp: 2 ** 15 }, { hp: 0.5 }, { gold: -1n }, { pos: new Uint8Array(3) }])
    assert.throws(
      () => encode(record),
      (error: unknown) => error instanceof RangeError,
    );
});

x('a root that the schema does not have', () => {
  for (const act of [
    () => verifyTables(new Uint8Array(8), schema, 'Dragon'),
    () => decodeTables(new Uint8Array(8), schema, 'Dragon'),
    () => encodeTables({}, schema, 'Dragon'),
  ])
    assert.throws(act, (error: unknown) => error instanceof RangeError);
});

x('a table takes less than half a microsecond to verify', () => {
  const weapons = Array.from({ length: 100_000 }, (_, i) => ({ name: 'w', damage: i % 100 }));
  const bytes = encode({ weapons });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const start = cpuMs();
    assert.is(verifyTables(bytes, schema, 'Monster').tables, 100_001);
    best = Math.min(best, cpuMs() - start);
  }
  assert.ok(best < 50, `${best} ms`);
});

x('equal strings and vectors of numbers are there once', () => {
  const layers = (): { layers: Int32Array } => ({ layers: Int32Array.of(1, 2, 3, 4, 5, 6) });
  const gear = { type: 'Armor', value: layers() };
  const one = { names: ['a long name', 'another'], gear, hp: 1 };
  const bytes = encode({ ...one, name: 'a long name', self: { hp: 2, gear: { ...gear } } });
  assert.equal(decode(bytes), { ...one, name: 'a long name', self: { hp: 2, gear } });
  const text = new TextDecoder('latin1').decode(bytes);
  assert.is(text.split('a long name').length - 1, 1);
  assert.is(text.split('\x04\0\0\0\x05\0\0\0\x06\0\0\0').length - 1, 1);
  // Vectors of other types may have the same bytes.
  assert.equal(encode(decode(bytes)), bytes);
});

x.run();
