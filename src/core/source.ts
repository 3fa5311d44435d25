import { FormatError, rangeError, typeError, UnsupportedError, VerifyError } from './errors.ts';

export type MaybePromise<T> = T | Promise<T>;

/** Random access to bytes that need not be in memory: a buffer, a file, a Blob, an HTTP range. */
export interface ByteSource {
  readonly size: number;
  /** For messages: a file name or URL. */
  readonly name?: string;
  /** Exactly `length` bytes from `offset`; synchronous where the source can be. May be a view: don't write to it.
   *  @throws {RangeError} outside of the source */
  read(offset: number, length: number): MaybePromise<Uint8Array>;
}

/** Where bytes go. Calls come in order; `end` once, after the last. */
export interface ByteSink {
  write(chunk: Uint8Array): MaybePromise<void>;
}

export type SourceLike = Uint8Array | ArrayBuffer | Blob | ByteSource;

/** Bytes in memory as a source; reads are views. */
export function bufferSource(bytes: Uint8Array, name?: string): ByteSource {
  return {
    size: bytes.byteLength,
    ...(name === undefined ? {} : { name }),
    read(offset, length) {
      checkRange(offset, length, bytes.byteLength);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Makes a ByteSource of what a caller passed. */
export function toSource(source: SourceLike): ByteSource {
  if (source instanceof Uint8Array) return bufferSource(source);
  if (source instanceof ArrayBuffer) return bufferSource(new Uint8Array(source));
  if (typeof Blob !== 'undefined' && source instanceof Blob) return blobSource(source);
  if (typeof source === 'object' && source !== null && 'read' in source && 'size' in source)
    return source;
  throw typeError('source', 'a Uint8Array, ArrayBuffer, Blob or ByteSource', source);
}

function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    ...('name' in blob && typeof blob.name === 'string' ? { name: blob.name } : {}),
    async read(offset, length) {
      checkRange(offset, length, blob.size);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/** A part of a source, as a source. */
export function sliceSource(source: ByteSource, offset: number, length: number): ByteSource {
  checkRange(offset, length, source.size);
  return {
    size: length,
    ...(source.name === undefined ? {} : { name: source.name }),
    read(at, count) {
      checkRange(at, count, length);
      return source.read(offset + at, count);
    },
  };
}

/** Bytes that must be had without waiting (sessions are synchronous).
 *  @throws {UnsupportedError} the source can only be read asynchronously */
export function readSync(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = source.read(offset, length);
  if (bytes instanceof Uint8Array) return bytes;
  throw new UnsupportedError('these bytes can only be read asynchronously', {
    code: 'E_ASYNC_SOURCE',
    where: source.name ?? 'source',
    hint: 'read the file into a Uint8Array first',
  });
}

function checkRange(offset: number, length: number, size: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw rangeError('offset, length', `a range within ${size} bytes`, `${offset}, ${length}`);
  }
}

/** All bytes of a source that must fit in one array.
 *  @throws {FormatError} larger than an ArrayBuffer can be everywhere (2 GiB) */
export async function readAll(source: ByteSource): Promise<Uint8Array> {
  if (source.size > 2 ** 31) {
    throw new FormatError(`${source.size} bytes, more than the 2 GiB that one message can have`, {
      code: 'E_TOO_LARGE',
      where: source.name ?? 'source',
      hint: 'store the weights as external data',
    });
  }
  return source.read(0, source.size);
}

const pieceBytes = 2 ** 24;

/** Streams a source in pieces of 16 MB.
 *  @throws {VerifyError} the source gives another number of bytes than asked */
export async function copySource(source: ByteSource, sink: ByteSink): Promise<void> {
  for (let at = 0; at < source.size; at += pieceBytes) {
    const length = Math.min(pieceBytes, source.size - at);
    const bytes = await source.read(at, length);
    if (bytes.byteLength !== length) {
      throw new VerifyError(`a source gave ${bytes.byteLength} of ${length} bytes`, {
        code: 'E_SOURCE_READ',
        where: `${source.name ?? 'source'}, byte ${at}`,
      });
    }
    await sink.write(bytes);
  }
}
