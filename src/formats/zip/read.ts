import { FormatError, UnsupportedError } from '../../core/errors.ts';
import type { ByteSource } from '../../core/source.ts';
import { crc32 } from './crc32.ts';

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Its bytes in pieces, checked against size and checksum: what is wrong throws with the last piece.
   *  @throws {FormatError} the packed bytes, the size or the checksum are wrong */
  read(): AsyncGenerator<Uint8Array>;
}

const pieceBytes = 2 ** 18;

/** Lists the files of a ZIP archive: stored and deflated ones, with ZIP64 records. Nothing is unpacked yet.
 *  @throws {FormatError} not an archive, or cut off
 *  @throws {UnsupportedError} an encrypted file, another compression
 *  Source: PKWARE APPNOTE.TXT 6.3.10. */
export async function readZip(source: ByteSource): Promise<ZipEntry[]> {
  const where = source.name ?? 'zip';
  const fail = (message: string): FormatError => new FormatError(message, { code: 'E_ZIP', where });
  const at = async (offset: number, length: number): Promise<DataView> => {
    if (!(offset >= 0 && offset + length <= source.size)) throw fail('the archive is cut off');
    const bytes = await source.read(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const { offset, size } = await findDirectory(source.size, at, fail);
  const directory = await at(offset, size);
  const entries: ZipEntry[] = [];
  for (let p = 0; p + 46 <= size && directory.getUint32(p, true) === 0x02014b50; ) {
    const flags = directory.getUint16(p + 8, true);
    const method = directory.getUint16(p + 10, true);
    const checksum = directory.getUint32(p + 16, true);
    const nameLength = directory.getUint16(p + 28, true);
    const extraLength = directory.getUint16(p + 30, true);
    const next = p + 46 + nameLength + extraLength + directory.getUint16(p + 32, true);
    if (next > size) throw fail('the list of files is cut off');
    const bytes = new Uint8Array(directory.buffer, directory.byteOffset + p + 46, nameLength);
    const name = new TextDecoder().decode(bytes);
    const sizes = [24, 20, 42].map((field) => directory.getUint32(p + field, true));
    const extra = p + 46 + nameLength;
    const [unpacked = 0, packed = 0, header = 0] = wideSizes(directory, extra, extraLength, sizes);
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) {
      throw new UnsupportedError(
        (flags & 1) !== 0 ? 'an encrypted file' : `compression ${method}`,
        {
          code: 'E_ZIP_METHOD',
          where: `${where}, ${name}`,
        },
      );
    }
    entries.push({
      name,
      size: unpacked,
      async *read() {
        const local = await at(header, 30);
        if (local.getUint32(0, true) !== 0x04034b50) throw fail(`there is no ${name}`);
        const start = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
        if (start + packed > source.size) throw fail(`${name} is cut off`);
        const raw = pieces(source, start, packed);
        let length = 0;
        let sum = 0;
        for await (const piece of method === 0
          ? raw
          : inflated(raw, () => fail(`${name} is damaged`))) {
          length += piece.length;
          if (length > unpacked) throw fail(`${name} is longer than it says`);
          sum = crc32(piece, sum);
          if (length === unpacked && sum !== checksum)
            throw fail(`the checksum of ${name} is wrong`);
          yield piece;
        }
        if (length < unpacked) throw fail(`${name} is shorter than it says`);
      },
    });
    p = next;
  }
  return entries;
}

type At = (offset: number, length: number) => Promise<DataView>;

/** Where the list of files is: the end record is the last of its signature in the last 64 KB. */
async function findDirectory(
  total: number,
  at: At,
  fail: (message: string) => FormatError,
): Promise<{ offset: number; size: number }> {
  if (total < 22) throw fail('this is no ZIP archive');
  const length = Math.min(total, 22 + 0xffff);
  const tail = await at(total - length, length);
  let end = length - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw fail('this is no ZIP archive');
  const short = { size: tail.getUint32(end + 12, true), offset: tail.getUint32(end + 16, true) };
  const isWide = short.size === 0xffffffff || short.offset === 0xffffffff;
  if (!isWide || end < 20 || tail.getUint32(end - 20, true) !== 0x07064b50) return short;
  const record = await at(Number(tail.getBigUint64(end - 12, true)), 56);
  if (record.getUint32(0, true) !== 0x06064b50) throw fail('the ZIP64 record is missing');
  return {
    size: Number(record.getBigUint64(40, true)),
    offset: Number(record.getBigUint64(48, true)),
  };
}

/** Unpacked size, packed size and offset, each from the ZIP64 field where it doesn't fit 32 bits. */
function wideSizes(view: DataView, start: number, length: number, short: number[]): number[] {
  for (let p = start; p + 4 <= start + length; p += 4 + view.getUint16(p + 2, true)) {
    if (view.getUint16(p, true) !== 1) continue;
    const end = Math.min(p + 4 + view.getUint16(p + 2, true), start + length);
    let at = p + 4;
    return short.map((value) => {
      if (value !== 0xffffffff || at + 8 > end) return value;
      at += 8;
      return Number(view.getBigUint64(at - 8, true));
    });
  }
  return short;
}

async function* pieces(
  source: ByteSource,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += pieceBytes)
    yield await source.read(start + at, Math.min(pieceBytes, length - at));
}

async function* inflated(
  packed: AsyncGenerator<Uint8Array>,
  damaged: () => FormatError,
): AsyncGenerator<Uint8Array> {
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await packed.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
  });
  const reader = stream.pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw damaged();
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
