/** A FlatBuffers schema as data. Text, one declaration a line:
 *
 *     |Union Member Member …        members are tables, numbered from 1
 *     Table field:kind field:kind=default …
 *
 *  A kind is a letter (`? b B h H i I q Q f d`: bool, (u)int8, (u)int16, (u)int32, (u)int64, float, double; `s` a
 *  string), `@Table`, `|Union`, or a vector of one of these: `[i`. `%16` is the alignment of a vector's elements. */

import { VerifyError } from '../../core/errors.ts';

export type ScalarKind = '?' | 'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'q' | 'Q' | 'f' | 'd';

export type FieldKind = ScalarKind | 's' | '@' | '|';

export interface FieldSchema {
  readonly name: string;
  readonly kind: FieldKind;
  readonly isVector: boolean;
  /** Place in the vtable; a union has its type's slot here and its value's in the next one. */
  readonly slot: number;
  readonly default: number;
  /** Bytes that elements of a vector are aligned to, beyond their own size; 0 for none. */
  readonly align: number;
  /** Of `@` and `|`: what it points to; set once all are known. */
  readonly target: string;
}

export interface TableSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

export interface Schema {
  readonly tables: ReadonlyMap<string, TableSchema>;
  /** Names of a union's members; index 0 is type 1. */
  readonly unions: ReadonlyMap<string, readonly string[]>;
}

export const sizeOfScalar: Readonly<Record<ScalarKind, number>> = {
  '?': 1,
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  i: 4,
  I: 4,
  q: 8,
  Q: 8,
  f: 4,
  d: 8,
};

/** The value of a scalar field that a table leaves out, as records have it. */
export function defaultOf({ kind, default: value }: FieldSchema): number | bigint | boolean {
  if (kind === 'q' || kind === 'Q') return BigInt(value);
  return kind === '?' ? value !== 0 : value;
}

/** Reads a schema's text. Linear cost. */
export function parseSchema(text: string): Schema {
  const tables = new Map<string, TableSchema>();
  const unions = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [name, ...words] = line.split(' ');
    if (name === undefined || name === '') continue;
    if (name.startsWith('|')) unions.set(name.slice(1), words);
    else tables.set(name, { name, fields: fieldsOf(words) });
  }
  return { tables, unions };
}

function fieldsOf(words: readonly string[]): FieldSchema[] {
  let slot = 0;
  return words.map((word) => {
    const match = /^(\w+):(\[?)([?\w]|@\w+|\|\w+)(?:%(\d+))?(?:=(.+))?$/.exec(word);
    if (match === null)
      throw new VerifyError(`"${word}" is no field of a schema`, { code: 'E_SCHEMA' });
    const [, name, list, kind, align, value] = match;
    const field: FieldSchema = {
      name: name!,
      kind: kind![0] as FieldKind,
      isVector: list === '[',
      slot,
      default: Number(value ?? 0),
      align: Number(align ?? 0),
      target: kind!.slice(1),
    };
    slot += field.kind === '|' ? 2 : 1;
    return field;
  });
}
