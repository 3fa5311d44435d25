import { FormatError } from '../../core/errors.ts';
import { Budget, type Limits, resolveLimits } from '../../core/limits.ts';
import {
  type ByteSink,
  type ByteSource,
  bufferSource,
  copySource,
  readSync,
  sliceSource,
} from '../../core/source.ts';
import type { ExternalFiles } from '../external-files.ts';
import { decodeLazily, decodeTables } from '../flatbuffer/decode.ts';
import {
  type Encoded,
  encodeTables,
  joinEncoded,
  largeBytes,
  writeEncoded,
} from '../flatbuffer/encode.ts';
import { largestBuffer } from '../flatbuffer/image.ts';
import { parseSchema, type Schema } from '../flatbuffer/schema.ts';
import type { UnknownField } from '../flatbuffer/verify.ts';
import { type ExternalBuffers, openExternalBuffers } from './external.ts';
import type { BufferRecord, ModelRecord, OperatorRecord } from './records.ts';
import { schemaText } from './schema-table.ts';

let parsed: Schema | null = null;

/** The schema of TFLite files, parsed when it is first asked for. */
export function tfliteSchema(): Schema {
  parsed ??= parseSchema(schemaText);
  return parsed;
}

const identifier = 'TFL3';

type Tables = Omit<TfliteFile, 'external'>;

/** A TFLite file: its tables, and what their buffers hold. */
export interface TfliteFile {
  /** `data` of a buffer is there only where it is in memory and within the FlatBuffers part. */
  record: ModelRecord;
  /** Contents of `record.buffers`, wherever they lie; a source of 0 bytes where there are none. */
  buffers: ByteSource[];
  /** Contents of `record.externalBuffers`. */
  external: ExternalBuffers;
  /** Fields of a newer schema, which are not in the record. */
  unknown: UnknownField[];
}

export interface CodecOptions {
  limits?: Partial<Limits> | undefined;
}

export interface OpenOptions extends CodecOptions {
  /** Files that external buffers lie in. */
  external?: ExternalFiles | undefined;
}

/** Files of this size are read at once. */
const smallFile = 2 ** 20;

/** Reads a TFLite file's tables; buffers stay in the source where that is no memory. Verifies the FlatBuffers part, and
 *  that what lies outside of it is there: behind it, or in other files.
 *  @throws {FormatError} it is broken
 *  @throws {UnsupportedError} an options table of a newer schema
 *  @throws {LimitError} it asks for more than the limits allow */
export async function openTflite(
  source: ByteSource,
  { external: files, limits }: OpenOptions = {},
): Promise<TfliteFile> {
  const file = await tablesOf(source, { limits });
  return { ...file, external: await openExternalBuffers(file.record, files) };
}

async function tablesOf(source: ByteSource, options: CodecOptions): Promise<Tables> {
  const head = await source.read(0, Math.min(source.size, smallFile));
  // A view of memory that holds all: reading all costs nothing.
  const inMemory = head.buffer.byteLength >= source.size && source.size <= largestBuffer;
  if (inMemory) return fileOf(await source.read(0, source.size), options);
  const unknown: UnknownField[] = [];
  const decoded = await decodeLazily(source, tfliteSchema(), 'Model', 'Buffer.data', {
    identifier,
    ...options,
    onUnknown: (field) => unknown.push(field),
  });
  const record = decoded as ModelRecord;
  const outside = new Outside(source, options);
  const buffers = (record.buffers ?? []).map((buffer, i) => {
    const content = buffer.data as unknown as ByteSource | undefined;
    if (content?.size === 0) buffer.data = new Uint8Array(0);
    else delete buffer.data;
    return content !== undefined && content.size > 0 ? content : outside.buffer(buffer, i);
  });
  for (const [operator, content] of outside.options(record))
    operator.customOptions = await content.read(0, content.size);
  return { record, buffers, unknown };
}

/** Decodes a TFLite file in memory: `openTflite` without waiting, and only the tables; a buffer that lies behind the
 *  FlatBuffers part gets its `data` too. */
export function decodeTflite(bytes: Uint8Array, options: CodecOptions = {}): ModelRecord {
  const { record, buffers } = fileOf(bytes, options);
  record.buffers?.forEach((buffer, i) => {
    const { size } = buffers[i]!;
    if (size > 0) buffer.data = readSync(buffers[i]!, 0, size);
  });
  return record;
}

function fileOf(bytes: Uint8Array, options: CodecOptions): Tables {
  const unknown: UnknownField[] = [];
  const record = decodeTables(bytes, tfliteSchema(), 'Model', {
    identifier,
    ...options,
    onUnknown: (field) => unknown.push(field),
  }) as ModelRecord;
  const outside = new Outside(bufferSource(bytes), options);
  const buffers = (record.buffers ?? []).map((buffer, i) =>
    buffer.data === undefined || buffer.data.length === 0
      ? outside.buffer(buffer, i)
      : bufferSource(buffer.data),
  );
  for (const [operator, content] of outside.options(record))
    operator.customOptions = readSync(content, 0, content.size);
  return { record, buffers, unknown };
}

/** What lies behind the FlatBuffers part of a file. */
class Outside {
  private readonly source: ByteSource;
  private readonly budget: Budget;

  constructor(source: ByteSource, { limits }: CodecOptions) {
    this.source = source;
    this.budget = new Budget('decodedBytes', resolveLimits(limits, source.size));
  }

  /** @throws {FormatError} it is not in the file
   *  @throws {LimitError} many that share their bytes */
  buffer(record: BufferRecord, index: number): ByteSource {
    const { offset = 0n, size = 0n } = record;
    // An offset of 0 or 1 says that there is none.
    if (offset <= 1n || size === 0n) return bufferSource(new Uint8Array(0));
    return this.range(offset, size, `Model.buffers[${index}]`);
  }

  /** Custom options of operators. */
  *options({ subgraphs = [] }: ModelRecord): Generator<[OperatorRecord, ByteSource]> {
    for (const [graph, { operators = [] }] of subgraphs.entries()) {
      for (const [i, operator] of operators.entries()) {
        const { largeCustomOptionsOffset = 0n, largeCustomOptionsSize = 0n } = operator;
        if (largeCustomOptionsOffset <= 1n) continue;
        const where = `Model.subgraphs[${graph}].operators[${i}].customOptions`;
        yield [operator, this.range(largeCustomOptionsOffset, largeCustomOptionsSize, where)];
      }
    }
  }

  private range(offset: bigint, size: bigint, where: string): ByteSource {
    if (offset + size > BigInt(this.source.size)) {
      throw new FormatError(`bytes ${offset} to ${offset + size} are not in the file`, {
        code: 'E_TFLITE_RANGE',
        where,
        hint: 'the file may be incomplete',
      });
    }
    this.budget.spend(Number(size), where);
    return sliceSource(this.source, Number(offset), Number(size));
  }
}

export interface TfliteEncodeOptions {
  /** Contents by index of `record.buffers`; where there is none, or an empty one, their `data`. */
  buffers?: readonly (ByteSource | Uint8Array | undefined)[] | undefined;
  /** Larger files get their buffers behind the FlatBuffers part; default 2 GiB, where one part can't hold them. */
  limit?: number;
}

/** Encodes a file's tables in memory. Untouched records give a file that equals the one they are of, table by table.
 *  @throws {FormatError} E_TOO_LARGE: above 2 GiB; `encodeTfliteTo` has no such limit
 *  @throws {UnsupportedError} a buffer's source can only be read asynchronously */
export function encodeTflite(record: ModelRecord, options: TfliteEncodeOptions = {}): Uint8Array {
  const buffers = options.buffers?.map((content) =>
    content === undefined || content instanceof Uint8Array
      ? content
      : readSync(content, 0, content.size),
  );
  const { encoded, behind } = layOut(record, { ...options, buffers });
  return joinEncoded({
    size: encoded.size + behind.reduce((sum, part) => sum + sizeOf(part), 0),
    parts: [...encoded.parts, ...behind],
  });
}

/** Writes a file to a sink; sources are streamed. Returns its size in bytes. */
export async function encodeTfliteTo(
  record: ModelRecord,
  sink: ByteSink,
  options: TfliteEncodeOptions = {},
): Promise<number> {
  const buffers: (Content | undefined)[] = [];
  // Small ones stand between the tables, whether they come from memory or not.
  for (const content of options.buffers ?? []) {
    const isSmall =
      content !== undefined && !(content instanceof Uint8Array) && content.size < largeBytes;
    buffers.push(isSmall ? await content.read(0, content.size) : content);
  }
  const { encoded, behind } = layOut(record, { ...options, buffers });
  await writeEncoded(encoded, sink);
  let { size } = encoded;
  for (const part of behind) {
    if (part instanceof Uint8Array) await sink.write(part);
    else await copySource(part, sink);
    size += sizeOf(part);
  }
  return size;
}

type Content = Uint8Array | ByteSource;

function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.length : content.size;
}

const outsideAlign = 16;

/** The FlatBuffers part, and what comes behind it. */
function layOut(
  record: ModelRecord,
  { buffers = [], limit = largestBuffer }: TfliteEncodeOptions,
): { encoded: Encoded; behind: Content[] } {
  const contents = (record.buffers ?? []).map((buffer, i) => {
    const given = buffers[i];
    return given === undefined || sizeOf(given) === 0 ? buffer.data : given;
  });
  const total = contents.reduce((sum, part) => sum + (part === undefined ? 0 : sizeOf(part)), 0);
  const schema = tfliteSchema();
  if (total < limit) {
    const inside = {
      ...withOptions(record, ({ customOptions }) => ({ customOptions })),
      buffers: record.buffers && contents.map((data) => (data === undefined ? {} : { data })),
    };
    try {
      return { encoded: encodeTables(inside, schema, 'Model', { identifier, limit }), behind: [] };
    } catch (error) {
      if (!(error instanceof FormatError && error.code === 'E_TOO_LARGE')) throw error;
    }
  }
  // Where things lie doesn't change the size of what says so: once with any places, once with the right ones.
  const pass = (start: number): { encoded: Encoded; behind: Content[] } => {
    const behind: Content[] = [];
    let at = start;
    const put = (content: Content): { offset: bigint; size: bigint } => {
      const gap = (outsideAlign - (at % outsideAlign)) % outsideAlign;
      if (gap > 0) behind.push(new Uint8Array(gap));
      behind.push(content);
      at += gap + sizeOf(content);
      return { offset: BigInt(at - sizeOf(content)), size: BigInt(sizeOf(content)) };
    };
    const moved = (content: Content | undefined): BufferRecord => {
      if (content === undefined) return {};
      return sizeOf(content) === 0 ? { data: new Uint8Array(0) } : put(content);
    };
    const tables = {
      ...withOptions(record, ({ customOptions }) => {
        if (customOptions === undefined || customOptions.length === 0) return { customOptions };
        const { offset, size } = put(customOptions);
        return { largeCustomOptionsOffset: offset, largeCustomOptionsSize: size };
      }),
      buffers: record.buffers && contents.map(moved),
    };
    return { encoded: encodeTables(tables, schema, 'Model', { identifier }), behind };
  };
  return pass(pass(outsideAlign).encoded.size);
}

/** A copy of the record whose operators have their custom options as `place` says. */
function withOptions(
  record: ModelRecord,
  place: (operator: OperatorRecord) => Partial<OperatorRecord>,
): ModelRecord {
  const copy = (operator: OperatorRecord): OperatorRecord => {
    const { customOptions, largeCustomOptionsOffset, largeCustomOptionsSize, ...rest } = operator;
    if (customOptions === undefined && largeCustomOptionsOffset === undefined) return operator;
    return { ...rest, ...place(operator) };
  };
  const subgraphs = record.subgraphs?.map((graph) =>
    graph.operators === undefined ? graph : { ...graph, operators: graph.operators.map(copy) },
  );
  return { ...record, ...(subgraphs === undefined ? {} : { subgraphs }) };
}
