import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryError } from '../../src/core/errors.ts';
import { random } from '../../src/core/random.ts';
import { Arena, type Region } from '../../src/wasm/arena.ts';

const test = suite('arena');
const arenaOf = (maximum: number): Arena =>
  new Arena(new WebAssembly.Memory({ initial: 1, maximum }));

test('blocks are aligned, disjoint, in bounds, and come back', () => {
  const arena = arenaOf(400);
  const draw = random(5);
  const regions: Region[] = ['static', 'weights', 'activations'];
  const held = new Map<number, number>();
  for (let step = 0; step < 3000; step++) {
    if (held.size > 0 && draw.below(5) < 2) {
      const address = [...held.keys()][draw.below(held.size)]!;
      arena.free(address);
      held.delete(address);
      continue;
    }
    const bytes = draw.below(draw.below(2) === 0 ? 200 : 60000);
    const address = arena.allocate(regions[draw.below(3)]!, bytes);
    assert.is(address % 64, 0);
    assert.ok(address >= 1024 && address + bytes <= arena.memory.buffer.byteLength);
    for (const [other, size] of held) {
      assert.ok(address + bytes <= other || other + size <= address, 'blocks overlap');
    }
    held.set(address, bytes);
    if (held.size > 60) {
      for (const each of held.keys()) arena.free(each);
      held.clear();
    }
  }
  for (const address of held.keys()) arena.free(address);
  const { memory, ...used } = arena.usage();
  assert.equal(used, { static: 0, weights: 0, activations: 0, scratch: 0 });
  // All of it is one free span again.
  assert.is(arena.allocate('weights', memory - 1024), 1024);
});

test('a block that is not there cannot be freed', () => {
  const arena = arenaOf(2);
  const address = arena.allocate('weights', 10);
  arena.free(address);
  assert.throws(
    () => arena.free(address),
    (error: Error) => error.name === 'VerifyError',
  );
});

test('scratch nests, never moves while held, and is given back', () => {
  const arena = arenaOf(400);
  const outer = arena.mark();
  const [a] = arena.scratch(100) as [number];
  arena.views().u8.fill(1, a, a + 100);
  const inner = arena.mark();
  const [b, c] = arena.scratch(5_000_000, 64) as [number, number];
  arena.views().u8.fill(2, b, b + 5_000_000);
  assert.is(c, b + 5_000_000 + ((64 - (5_000_000 % 64)) % 64));
  const weights = arena.allocate('weights', 100_000);
  arena.views().u8.fill(3, weights, weights + 100_000);
  assert.ok(
    arena
      .views()
      .u8.subarray(a, a + 100)
      .every((byte) => byte === 1),
  );
  arena.release(inner);
  assert.equal(arena.scratch(64), [a + 128], 'on top of what is held');
  arena.release(outer);
  assert.equal(arena.scratch(1), [a], 'from the start');
  arena.release(outer);
  assert.ok(arena.usage().scratch <= 2 ** 20);
});

test('an idle segment that is too small makes place for a larger one', () => {
  const arena = arenaOf(400);
  arena.withScratch([100], () => {});
  const mark = arena.mark();
  const [big] = arena.scratch(3_000_000) as [number];
  arena.release(mark);
  assert.equal(arena.scratch(64), [big]);
  assert.ok(arena.usage().scratch >= 3_000_000 && arena.usage().scratch < 3_100_000);
});

test('views follow the growth of memory', () => {
  const arena = arenaOf(100);
  const before = arena.views();
  assert.is(arena.views(), before);
  arena.allocate('weights', 1_000_000);
  assert.is(before.u8.length, 0, 'detached');
  const after = arena.views();
  assert.is(after.f32.length, arena.memory.buffer.byteLength / 4);
  assert.is(after.f64.buffer, arena.memory.buffer);
});

test('memory that cannot be had is a MemoryError, and nothing has changed', () => {
  // The engine's limit, then ours, at every page.
  for (let pages = 1; pages <= 40; pages++) {
    const byEngine = arenaOf(pages);
    const byLimit = arenaOf(1000);
    byLimit.limitBytes = pages * 65536 + 1000;
    for (const arena of [byEngine, byLimit]) {
      const room = pages * 65536 - 1024;
      const held = arena.allocate('static', 64);
      const { memory: _, ...before } = arena.usage();
      const mark = arena.mark();
      const isMemoryError = (error: Error): boolean =>
        error instanceof MemoryError && error.code === 'E_MEMORY';
      assert.throws(() => arena.allocate('weights', room - 63), isMemoryError);
      assert.throws(() => arena.scratch(100, room - 128, 5000), isMemoryError);
      assert.throws(() => arena.withScratch([room], () => assert.unreachable()), isMemoryError);
      const { memory: __, ...after } = arena.usage();
      assert.equal(after, before);
      assert.equal(arena.mark(), mark);
      assert.is(arena.allocate('weights', room - 64), held + 64, 'the rest can still be had');
      assert.ok(arena.memory.buffer.byteLength <= pages * 65536);
    }
  }
});

test('scratch is given back when its user throws', () => {
  const arena = arenaOf(100);
  arena.scratch(10);
  const mark = arena.mark();
  const fails = (): never => {
    throw new RangeError('no');
  };
  assert.throws(
    () => arena.withScratch([1_500_000], () => arena.withScratch([1_500_000], fails)),
    'no',
  );
  assert.equal(arena.mark(), mark);
});

test('sizes that are no sizes are refused', () => {
  for (const bytes of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => arenaOf(1).allocate('weights', bytes), /"bytes" expected/);
  }
});

test.run();
