import { MemoryError, rangeError, VerifyError } from '../core/errors.ts';

/** What a block of memory is for. Static and weights live as long as their owner, activations as long as a plan,
 *  scratch as long as a call. */
export type Region = 'static' | 'weights' | 'activations' | 'scratch';

/** Typed views of the whole memory. Growing detaches them: ask `views()` again after anything that allocates. */
export interface Views {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly i8: Int8Array<ArrayBuffer>;
  readonly u16: Uint16Array<ArrayBuffer>;
  readonly i16: Int16Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
}

/** A place in the scratch stack to come back to. */
export interface Mark {
  readonly segments: number;
  readonly used: number;
}

interface Block {
  readonly region: Region;
  readonly bytes: number;
}

interface Span {
  start: number;
  end: number;
}

const alignment = 64;
const pageBytes = 65536;
/** Address 0 and what compilers take for null stay unused. */
const firstAddress = 1024;
/** Scratch comes from blocks of at least this much, so that small calls don't touch the allocator. */
const scratchBytes = 2 ** 20;
/** 4 GiB less a page: an end address still fits in 32 bits. */
const mostBytes = 2 ** 32 - pageBytes;

const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** All memory of the kernels: one WebAssembly.Memory, cut into 64-byte aligned blocks that never move.
 *  Kernels never allocate, so an allocation fails before a call or not at all. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  /** Bytes the memory may grow to. Lower it to be refused early in a small isolate. */
  limitBytes: number = mostBytes;
  #blocks = new Map<number, Block>();
  /** Free spans in address order, never touching each other. */
  #free: Span[] = [];
  #end: number = firstAddress;
  /** The scratch stack: blocks, of which the last is `#used` bytes full. The first is kept when it is empty. */
  #segments: Span[] = [];
  #used = 0;
  #views: Views | undefined;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  /** A block of `bytes` bytes, not cleared.
   *  @returns  its address, a multiple of 64
   *  @throws {MemoryError} the memory cannot grow enough; nothing has changed */
  allocate(region: Region, bytes: number): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw rangeError('bytes', 'an integer ≥ 0', bytes);
    const size = align(Math.max(bytes, 1));
    const address = this.#takeFree(size) ?? this.#takeEnd(size);
    this.#blocks.set(address, { region, bytes: size });
    return address;
  }

  /** Gives a block back. */
  free(address: number): void {
    const block = this.#blocks.get(address);
    if (block === undefined) {
      throw new VerifyError(`no block at address ${address}`, { code: 'E_ARENA_FREE' });
    }
    this.#blocks.delete(address);
    this.#release(address, address + block.bytes);
  }

  /** The present top of the scratch stack. */
  mark(): Mark {
    return { segments: this.#segments.length, used: this.#used };
  }

  /** Drops all scratch taken since the mark. */
  release(mark: Mark): void {
    while (this.#segments.length > Math.max(mark.segments, 1)) {
      this.free(this.#segments.pop()!.start);
    }
    this.#used = mark.segments === 0 ? 0 : mark.used;
  }

  /** Scratch of the given sizes, each 64-byte aligned, in one step: memory grows at most once.
   *  @throws {MemoryError} the memory cannot grow enough; nothing has changed */
  scratch(...sizes: number[]): number[] {
    let total = 0;
    for (const bytes of sizes) total += align(Math.max(bytes, 1));
    const last = this.#segments.at(-1);
    if (last === undefined || last.start + this.#used + total > last.end) this.#addSegment(total);
    let address = this.#segments.at(-1)!.start + this.#used;
    this.#used += total;
    return sizes.map((bytes) => {
      const start = address;
      address += align(Math.max(bytes, 1));
      return start;
    });
  }

  /** Runs `use` on scratch of the given sizes and gives it back, whatever happens. */
  withScratch<T>(sizes: readonly number[], use: (...addresses: number[]) => T): T {
    const mark = this.mark();
    try {
      return use(...this.scratch(...sizes));
    } finally {
      this.release(mark);
    }
  }

  /** Views that are valid until the next growth. */
  views(): Views {
    const { buffer } = this.memory;
    if (this.#views === undefined || this.#views.u8.buffer !== buffer) {
      this.#views = {
        u8: new Uint8Array(buffer),
        i8: new Int8Array(buffer),
        u16: new Uint16Array(buffer),
        i16: new Int16Array(buffer),
        u32: new Uint32Array(buffer),
        i32: new Int32Array(buffer),
        f32: new Float32Array(buffer),
        f64: new Float64Array(buffer),
      };
    }
    return this.#views;
  }

  /** Bytes held by each region, and of the memory as a whole. */
  usage(): Record<Region | 'memory', number> {
    const used = {
      static: 0,
      weights: 0,
      activations: 0,
      scratch: 0,
      memory: this.memory.buffer.byteLength,
    };
    for (const { region, bytes } of this.#blocks.values()) used[region] += bytes;
    return used;
  }

  /** One more segment, in place of the first where that is empty and too small. */
  #addSegment(bytes: number): void {
    if (this.#segments.length === 1 && this.#used === 0) this.free(this.#segments.pop()!.start);
    let size = Math.max(bytes, scratchBytes);
    let start: number;
    try {
      start = this.allocate('scratch', size);
    } catch (error) {
      if (size === bytes) throw error;
      size = bytes;
      start = this.allocate('scratch', size);
    }
    this.#segments.push({ start, end: start + size });
    this.#used = 0;
  }

  #takeFree(size: number): number | undefined {
    for (const [index, span] of this.#free.entries()) {
      if (span.end - span.start < size) continue;
      const { start } = span;
      span.start += size;
      if (span.start === span.end) this.#free.splice(index, 1);
      return start;
    }
    return undefined;
  }

  /** From the end of what is in use, together with a free span that touches it. */
  #takeEnd(size: number): number {
    const last = this.#free.at(-1);
    const start = last !== undefined && last.end === this.#end ? last.start : this.#end;
    this.#growTo(start + size);
    if (start !== this.#end) this.#free.pop();
    this.#end = start + size;
    return start;
  }

  #growTo(end: number): void {
    const have = this.memory.buffer.byteLength;
    if (end <= have) return;
    const pages = Math.ceil((end - have) / pageBytes);
    const most = Math.floor((Math.min(this.limitBytes, mostBytes) - have) / pageBytes);
    // An eighth more than asked spares later growths; exactly what is asked when that cannot be had.
    const generous = Math.min(pages + Math.ceil(have / 8 / pageBytes), most);
    for (const wanted of [generous, pages]) {
      if (wanted < pages || wanted > most) continue;
      try {
        this.memory.grow(wanted);
        return;
      } catch {
        // The engine's RangeError says nothing that ours does not.
      }
    }
    throw new MemoryError(`${end} bytes of WebAssembly memory cannot be had, ${have} are there`, {
      code: 'E_MEMORY',
      hint: 'dispose sessions, work on smaller parts, or raise the limit if one was set',
    });
  }

  #release(start: number, end: number): void {
    let index = this.#free.findIndex((span) => span.start > start);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    if (before !== undefined && before.end === start) {
      before.end = end;
      if (after !== undefined && after.start === end) {
        before.end = after.end;
        this.#free.splice(index, 1);
      }
    } else if (after !== undefined && after.start === end) {
      after.start = start;
    } else {
      this.#free.splice(index, 0, { start, end });
    }
  }
}
