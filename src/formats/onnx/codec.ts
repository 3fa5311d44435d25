import type { Limits } from '../../core/limits.ts';
import type { ByteSink } from '../../core/source.ts';
import { decodeMessage as decode } from '../protobuf-decode.ts';
import { joinPieces, measure, writePieces } from '../protobuf-encode.ts';
import type { Message } from '../protobuf-schema.ts';
import type { MessageName, Messages, ModelProto } from './proto.ts';
import { schema } from './schema.ts';

/** Decodes a model. Payloads are views of `bytes`; whatever is on the wire is kept (see proto.ts).
 *  @param limits  completed by `resolveLimits(given, bytes.byteLength)`
 *  @throws {FormatError} not protobuf, or cut off
 *  @throws {LimitError} more than a limit allows
 *  Time O(bytes); memory ≤ `limits.decodedBytes` beside the input. */
export function decodeModel(bytes: Uint8Array, limits: Limits): ModelProto {
  return decodeMessage('ModelProto', bytes, limits);
}

/** Decodes one message of any type, e.g. the TensorProto of a `.pb` test file. As `decodeModel`. */
export function decodeMessage<Name extends MessageName>(
  name: Name,
  bytes: Uint8Array,
  limits: Limits,
): Messages[Name] {
  return decode(schema[name], bytes, limits, 'onnx') as Messages[Name];
}

/** Bytes that `encodeModel` writes. Cost O(fields). Throws as `encodeModel`. */
export function encodedSize(model: ModelProto): number {
  return measure(schema.ModelProto, model as Message).sizes[0]!;
}

/** Writes a model, fields in ascending order of number. Payloads are passed as views or, from a source,
 *  in pieces of at most 16 MB; small fields are gathered in chunks of at most 1 MB.
 *  @throws {TypeError | RangeError} a value that its field cannot hold
 *  @throws {FormatError} more than the 2 GiB that one message can have (store weights externally) */
export async function encodeModel(model: ModelProto, sink: ByteSink): Promise<void> {
  await writePieces(measure(schema.ModelProto, model as Message), sink);
}

/** A message as one array, for messages whose payloads are in memory.
 *  @throws {TypeError} also for a payload that is a ByteSource; otherwise as `encodeModel` */
export function encodeToBytes<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
): Uint8Array {
  return joinPieces(measure(schema[name], message as Message));
}
