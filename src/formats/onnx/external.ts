import { FormatError, rangeError } from '../../core/errors.ts';
import {
  type ByteSink,
  type ByteSource,
  bufferSource,
  copySource,
  sliceSource,
  toSource,
} from '../../core/source.ts';
import { checkMember, type ExternalFiles, findExternal, quote } from '../external-files.ts';
import type { PayloadBytes, StringStringEntryProto, TensorProto } from './proto.ts';

export type { ExternalFiles } from '../external-files.ts';

const pathCode = 'E_ONNX_EXTERNAL_PATH';

/** Opened external files, by location. */
export type ExternalData = ReadonlyMap<string, ByteSource>;

/** Where a tensor's data lie. */
export interface ExternalInfo {
  location: string;
  offset: number;
  /** null: as much as the tensor's type and sizes need. */
  length: number | null;
  /** SHA-1 of the file, hexadecimal; it is not verified. */
  checksum: string | null;
}

/** The external_data entries of a tensor. Keys that are not known are left alone.
 *  @throws {FormatError} no location, a location that is not a member name, a key twice, a malformed number */
export function externalInfo(tensor: TensorProto, where: string): ExternalInfo {
  const entries = new Map<string, string>();
  for (const { key, value } of tensor.externalData ?? []) {
    if (entries.has(key ?? '')) throw badEntry(where, `the key ${quote(key)} comes twice`);
    entries.set(key ?? '', value ?? '');
  }
  const location = entries.get('location');
  if (location === undefined) throw badEntry(where, 'the location is missing');
  checkMember(location, where, pathCode);
  const checksum = entries.get('checksum') ?? null;
  if (checksum !== null && !/^[0-9a-fA-F]{40}$/.test(checksum)) {
    throw badEntry(where, `the checksum ${quote(checksum)} is no SHA-1`);
  }
  return {
    location,
    offset: byteCount(entries.get('offset'), 'offset', where) ?? 0,
    length: byteCount(entries.get('length'), 'length', where),
    checksum,
  };
}

/** Opens every external file that the tensors name, each once.
 *  @param tensors  of a model (see `tensorsOf`)
 *  @param files  where they come from; without it a model with external data is refused
 *  @throws {FormatError} a file that is missing, or entries that are malformed */
export async function openExternal(
  tensors: Iterable<TensorProto>,
  files: ExternalFiles | undefined,
): Promise<ExternalData> {
  const opened = new Map<string, ByteSource>();
  for (const tensor of tensors) {
    if (tensor.dataLocation !== 1) continue;
    const where = `onnx: tensor ${quote(tensor.name)}`;
    const { location } = externalInfo(tensor, where);
    if (opened.has(location)) continue;
    const source = await findExternal(files, location);
    if (source === null) throw missing(location, where);
    opened.set(location, toSource(source));
  }
  return opened;
}

/** A tensor's slice of its external file.
 *  @param size  bytes that its type and sizes need
 *  @throws {FormatError} not opened, a length that does not fit, or a range past the end of the file */
export function externalSource(
  tensor: TensorProto,
  size: number,
  external: ExternalData | undefined,
  where: string,
): ByteSource {
  const { location, offset, length } = externalInfo(tensor, where);
  const source = external?.get(location);
  if (source === undefined) throw missing(location, where);
  if (length !== null && length !== size) {
    throw badEntry(where, `its type and sizes take ${size} bytes, its length is ${length}`);
  }
  if (offset + size > source.size) {
    throw new FormatError(
      `the external file ${quote(location)} ends at ${source.size}, before ${offset + size}`,
      {
        code: 'E_ONNX_EXTERNAL_RANGE',
        where,
        hint: 'the file may be incomplete, or of another model',
      },
    );
  }
  return sliceSource(source, offset, size);
}

/** A stretch of an external file. */
export interface ExternalEntry {
  readonly tensor: string;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Moves payloads of tensors into one external file: first `place` for each tensor, then `writeTo` once. */
export class ExternalWriter {
  readonly location: string;
  readonly entries: ExternalEntry[] = [];
  readonly #threshold: number;
  readonly #alignment: number;
  readonly #payloads: PayloadBytes[] = [];
  #size = 0;

  /** @param location  name of the file, chosen by the caller and never taken from a model
   *  @param options.threshold  payloads from this many bytes on are moved; default 1024
   *  @param options.alignment  offsets are multiples of it; default 4096, so that the file can be mapped
   *  @throws {FormatError} a location that is not a member name
   *  @throws {RangeError} an option out of range */
  constructor(location: string, options: { threshold?: number; alignment?: number } = {}) {
    const { threshold = 1024, alignment = 4096 } = options;
    checkMember(location, 'onnx: external file to write', pathCode);
    if (!(threshold >= 0)) throw rangeError('threshold', 'bytes ≥ 0', threshold);
    if (!Number.isSafeInteger(alignment) || alignment < 1)
      throw rangeError('alignment', 'bytes ≥ 1', alignment);
    this.location = location;
    this.#threshold = threshold;
    this.#alignment = alignment;
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#size;
  }

  /** The tensor with its raw data moved to the file, or the tensor itself where it is small or not raw. */
  place(tensor: TensorProto): TensorProto {
    const payload = tensor.rawData;
    if (payload === undefined || tensor.dataLocation === 1) return tensor;
    const length = payload instanceof Uint8Array ? payload.byteLength : payload.size;
    if (length < this.#threshold || length === 0) return tensor;
    const offset = Math.ceil(this.#size / this.#alignment) * this.#alignment;
    this.entries.push({ tensor: tensor.name ?? '', location: this.location, offset, length });
    this.#payloads.push(payload);
    this.#size = offset + length;
    const { rawData: _moved, ...rest } = tensor;
    const externalData: StringStringEntryProto[] = [
      { key: 'location', value: this.location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ];
    return { ...rest, externalData, dataLocation: 1 };
  }

  /** Streams the file: gaps are zero; a payload in memory is passed as a view, a source in pieces of 16 MB. */
  async writeTo(sink: ByteSink): Promise<void> {
    let at = 0;
    for (const [i, { offset, length }] of this.entries.entries()) {
      if (offset > at) await sink.write(new Uint8Array(offset - at));
      const payload = this.#payloads[i]!;
      await copySource(payload instanceof Uint8Array ? bufferSource(payload) : payload, sink);
      at = offset + length;
    }
  }
}

function byteCount(text: string | undefined, key: string, where: string): number | null {
  if (text === undefined) return null;
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw badEntry(where, `the ${key} ${quote(text)} is no number of bytes`);
  return value;
}

function missing(location: string, where: string): FormatError {
  return new FormatError(`the external file ${quote(location)} is missing`, {
    code: 'E_ONNX_EXTERNAL_MISSING',
    where,
    hint: `pass it: { external: { ${quote(location)}: bytes } }`,
  });
}

function badEntry(where: string, what: string): FormatError {
  return new FormatError(`external data are malformed: ${what}`, {
    code: 'E_ONNX_EXTERNAL',
    where,
  });
}
