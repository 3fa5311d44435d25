import { type ByteSource, sliceSource } from '../../core/source.ts';

/** No offset of FlatBuffers leads further. */
export const largestBuffer: number = 2 ** 31 - 1;

const wholeShift = 31;
const pageShift = 16;

/** The bytes of a buffer by position: all of them in memory, or the pages that have been asked for. Positions must be
 *  aligned to what is read there, so that nothing spans two pages. */
export class Image {
  readonly size: number;
  /** What some `has` was wrong about: pages to load before the next try. */
  readonly missing: Set<number> = new Set();
  private readonly source: ByteSource | null;
  private readonly pages: (DataView | undefined)[];
  private readonly shift: number;
  private readonly mask: number;

  /** @param bytes  all of it, or a source that is read page by page */
  constructor(bytes: Uint8Array | ByteSource) {
    const whole = bytes instanceof Uint8Array;
    this.size = Math.min(whole ? bytes.length : bytes.size, largestBuffer);
    this.source = whole ? null : bytes;
    this.shift = whole ? wholeShift : pageShift;
    this.mask = 2 ** this.shift - 1;
    this.pages = whole ? [new DataView(bytes.buffer, bytes.byteOffset, this.size)] : [];
  }

  /** Whether nothing is left out. */
  get whole(): boolean {
    return this.source === null;
  }

  /** Whether bytes within the buffer are in memory; remembers the pages that are not. */
  has(at: number, size: number): boolean {
    if (this.source === null) return true;
    const last = (at + Math.max(size, 1) - 1) >>> this.shift;
    let all = true;
    for (let page = at >>> this.shift; page <= last; page++) {
      if (this.pages[page] !== undefined) continue;
      this.missing.add(page);
      all = false;
    }
    return all;
  }

  /** Loads the missing pages, neighbors at once. */
  async load(): Promise<void> {
    const wanted = [...this.missing].sort((a, b) => a - b);
    this.missing.clear();
    const pageSize = 2 ** pageShift;
    for (let i = 0; i < wanted.length; ) {
      let end = i + 1;
      while (end < wanted.length && wanted[end] === wanted[end - 1]! + 1 && end - i < 256) end++;
      const start = wanted[i]! * pageSize;
      const length = Math.min((end - i) * pageSize, this.size - start);
      const bytes = await this.source!.read(start, length);
      for (let at = 0; at < length; at += pageSize) {
        const size = Math.min(pageSize, length - at);
        this.pages[(start + at) >>> pageShift] = new DataView(
          bytes.buffer,
          bytes.byteOffset + at,
          size,
        );
      }
      i = end;
    }
  }

  u8(at: number): number {
    return this.pages[at >>> this.shift]!.getUint8(at & this.mask);
  }

  u16(at: number): number {
    return this.pages[at >>> this.shift]!.getUint16(at & this.mask, true);
  }

  u32(at: number): number {
    return this.pages[at >>> this.shift]!.getUint32(at & this.mask, true);
  }

  i32(at: number): number {
    return this.pages[at >>> this.shift]!.getInt32(at & this.mask, true);
  }

  /** The page of a position, and where in it. */
  page(at: number): DataView {
    return this.pages[at >>> this.shift]!;
  }

  within(at: number): number {
    return at & this.mask;
  }

  /** Bytes in memory: a view where they lie in one page. */
  bytes(at: number, length: number): Uint8Array {
    const first = this.page(at);
    const from = at & this.mask;
    if (from + length <= first.byteLength)
      return new Uint8Array(first.buffer, first.byteOffset + from, length);
    const copy = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const page = this.page(at + done);
      const start = (at + done) & this.mask;
      const size = Math.min(length - done, page.byteLength - start);
      copy.set(new Uint8Array(page.buffer, page.byteOffset + start, size), done);
      done += size;
    }
    return copy;
  }

  /** Bytes that need not be in memory, as a source. */
  later(at: number, length: number): ByteSource {
    return sliceSource(this.source!, at, length);
  }
}
