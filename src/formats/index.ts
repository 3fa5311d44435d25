import { UnsupportedError } from '../core/errors.ts';
import { type ByteSink, type SourceLike, toSource } from '../core/source.ts';
import type { Model } from '../ir/model.ts';
import type { Format, ReadOptions, WriteOptions, WriteReport } from './format.ts';
import { onnx } from './onnx/index.ts';
import { findFormat, sniff } from './sniff.ts';
import { tflite } from './tflite/index.ts';

export type { ExternalFiles } from './external-files.ts';
export {
  type DecodeOptions,
  decodeTables,
  type TableRecord,
} from './flatbuffer/decode.ts';
export { type Encoded, encodeTables, joinEncoded, writeEncoded } from './flatbuffer/encode.ts';
export {
  decodeFlex,
  FlexBlob,
  type FlexNumbers,
  type FlexValue,
} from './flatbuffer/flex-read.ts';
export { encodeFlex } from './flatbuffer/flex-write.ts';
export { parseSchema, type Schema } from './flatbuffer/schema.ts';
export {
  type UnknownField,
  type Verified,
  type VerifyOptions,
  verifyTables,
} from './flatbuffer/verify.ts';
export type { Format, ReadOptions, WriteOptions, WriteReport } from './format.ts';
export { onnx, tflite };

/** Every format that this library knows. */
export const formats: readonly Format[] = [tflite, onnx];

/** Reads a model. Weights stay in the source until they are needed.
 *  @param source  the file's bytes, or a source of them
 *  @returns  the model; its operators are raised to one pinned operator set
 *  @throws {FormatError} the file breaks its format's rules
 *  @throws {UnsupportedError} the file is fine, but not supported
 *  @throws {LimitError} it asks for more than `limits` allow */
export async function readModel(source: SourceLike, options: ReadOptions = {}): Promise<Model> {
  const bytes = toSource(source);
  const where = bytes.name ?? 'source';
  const format =
    options.format === undefined
      ? sniff(formats, await bytes.read(0, Math.min(16, bytes.size)), where)
      : findFormat(formats, options.format);
  return format.read(bytes, options);
}

/** Writes a model to one array of bytes.
 *  @throws {UnsupportedError} the format, or the wished operator set, can't express the model
 *  @throws {FormatError} more than 2 GiB: see `writeModelTo` with `external` */
export async function writeModel(model: Model, options: WriteOptions = {}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  await writeModelTo(
    model,
    {
      write(chunk) {
        chunks.push(chunk.slice());
        size += chunk.length;
      },
    },
    options,
  );
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Writes a model to a sink, piece by piece; weights are not held in memory. */
export async function writeModelTo(
  model: Model,
  sink: ByteSink,
  options: WriteOptions = {},
): Promise<WriteReport> {
  const name = options.format ?? (model.format || 'onnx');
  const format = findFormat(formats, name);
  if (format.write === undefined) {
    throw new UnsupportedError(`models can't be written as ${name}`, {
      code: 'E_FORMAT_UNSUPPORTED',
    });
  }
  return format.write(model, sink, options);
}
