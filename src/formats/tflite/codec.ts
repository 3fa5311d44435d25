import { decodeTables } from '../flatbuffer/decode.ts';
import { parseSchema, type Schema } from '../flatbuffer/schema.ts';
import type { ModelRecord } from './records.ts';
import { schemaText } from './schema-table.ts';

let parsed: Schema | null = null;

/** The schema of TFLite files, parsed when it is first asked for. */
export function tfliteSchema(): Schema {
  parsed ??= parseSchema(schemaText);
  return parsed;
}

/** Decodes a TFLite file's tables.
 *  @throws {FormatError} it is broken */
export function decodeTflite(bytes: Uint8Array): ModelRecord {
  return decodeTables(bytes, tfliteSchema(), 'Model') as ModelRecord;
}
