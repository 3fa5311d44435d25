import { deflateRawSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bufferSource } from '../../src/core/source.ts';
import { streamNpy } from '../../src/formats/npy-stream.ts';
import { crc32 } from '../../src/formats/zip/crc32.ts';
import { readZip } from '../../src/formats/zip/read.ts';

const x = suite('zip and npz');

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

// numpy 2.4.6: x = [[[1.5, −2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12.25]]].
// savez_compressed(x=float32 x, y=arange(3)); savez(x=float64 x, n=int32 [[1], [2], [3]]).
const compressed = bytes(
  'UEsDBC0AAAAIAAAAIQCO9OAD//////////8FABQAeC5ucHkBABAAsAAAAAAAAABsAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CkZApKmjUKtAHuBiYDhgzwAkGBgcHBgYGoB4ARAfAOIHQMzgyMAgAMQKQGwAxC6OAFBLAwQtAAAACAAAACEA90AS6v//////////BQAUAHkubnB5AQAQAJgAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuBihghNJMUBoAUEsBAi0DLQAAAAgAAAAhAI704ANsAAAAsAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsBAi0DLQAAAAgAAAAhAPdAEupMAAAAmAAAAAUAAAAAAAAAAAAAAIABowAAAHkubnB5UEsFBgAAAAACAAIAZgAAACYBAAAAAA==',
);
const stored = bytes(
  'UEsDBC0AAAAAAAAAIQBPOYUx//////////8FABQAeC5ucHkBABAA4AAAAAAAAADgAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCAyLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAA+D8AAAAAAAAAwAAAAAAAAAhAAAAAAAAAEEAAAAAAAAAUQAAAAAAAABhAAAAAAAAAHEAAAAAAAAAgQAAAAAAAACJAAAAAAAAAJEAAAAAAAAAmQAAAAAAAgChAUEsDBC0AAAAAAAAAIQAf5Maw//////////8FABQAbi5ucHkBABAAjAAAAAAAAACMAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCAxKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAQAAAAIAAAADAAAAUEsBAi0DLQAAAAAAAAAhAE85hTHgAAAA4AAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsBAi0DLQAAAAAAAAAhAB/kxrCMAAAAjAAAAAUAAAAAAAAAAAAAAIABFwEAAG4ubnB5UEsFBgAAAAACAAIAZgAAANoBAAAAAA==',
);

const numbers = [1.5, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.25];

x('arrays of numpy’s archives, row by row', async () => {
  for (const [file, type] of [
    [compressed, 'float32'],
    [stored, 'float64'],
  ] as const) {
    const [entry] = await readZip(bufferSource(file));
    assert.is(entry!.name, 'x.npy');
    const array = await streamNpy(entry!.read(), entry!.size, 'x');
    const two = (await array.next(2))!;
    assert.equal([two.type, [...two.dims], [...two.data]], [type, [2, 2, 2], numbers.slice(0, 8)]);
    const rest = (await array.next(2))!;
    assert.equal([[...rest.dims], [...rest.data]], [[1, 2, 2], numbers.slice(8)]);
    assert.is(await array.next(2), null);
  }
});

x('CRC-32 of the check string', () => {
  assert.is(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
  assert.is(
    crc32(new TextEncoder().encode('6789'), crc32(new TextEncoder().encode('12345'))),
    0xcbf43926,
  );
});

async function all(file: Uint8Array): Promise<void> {
  for (const entry of await readZip(bufferSource(file))) for await (const _ of entry.read());
}

async function messageOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'no error',
    (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
  );
}

x('damage is an error of the format, wherever it is', async () => {
  assert.match(await messageOf(all(new Uint8Array(10))), /FormatError: this is no ZIP archive/);
  assert.match(await messageOf(all(new Uint8Array(100))), /FormatError: this is no ZIP archive/);
  const flipped = stored.slice();
  flipped[200]! ^= 1;
  assert.match(await messageOf(all(flipped)), /FormatError: the checksum of x.npy is wrong/);
  for (const file of [compressed, stored]) {
    for (let at = 0; at < file.length; at++) {
      const damaged = file.slice();
      damaged[at]! ^= 0xff;
      assert.match(
        await messageOf(all(damaged)),
        /^(no error|FormatError|UnsupportedError)/,
        `${at}`,
      );
      assert.match(await messageOf(all(file.slice(0, at))), /^FormatError/, `up to ${at}`);
    }
  }
});

x('a file that unpacks to more than it says is stopped', async () => {
  const packed = deflateRawSync(new Uint8Array(1 << 20));
  const name = new TextEncoder().encode('a');
  const local = new Uint8Array(31 + packed.length);
  new DataView(local.buffer).setUint32(0, 0x04034b50, true);
  local[26] = 1;
  local.set(name, 30);
  local.set(packed, 31);
  const central = new Uint8Array(47);
  const view = new DataView(central.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(10, 8, true);
  view.setUint32(20, packed.length, true);
  view.setUint32(24, 100, true);
  view.setUint16(28, 1, true);
  central.set(name, 46);
  const end = new Uint8Array(22);
  new DataView(end.buffer).setUint32(0, 0x06054b50, true);
  new DataView(end.buffer).setUint32(12, central.length, true);
  new DataView(end.buffer).setUint32(16, local.length, true);
  const file = new Uint8Array(Buffer.concat([local, central, end]));
  assert.match(await messageOf(all(file)), /longer than it says/);
});

x('an .npy header that promises more than the file has is refused', async () => {
  const [entry] = await readZip(bufferSource(stored));
  const refuse = streamNpy(entry!.read(), entry!.size - 1, 'x');
  assert.match(await messageOf(refuse), /FormatError: the data are cut off/);
});

x.run();
