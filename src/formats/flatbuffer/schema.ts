/** A FlatBuffers schema as data. Text, one declaration a line:
 *
 *     |Union Member Member …        members are tables, numbered from 1
 *     Table field:kind field:kind=default …
 *
 *  A kind is a letter (`? b B h H i I q Q f d`: bool, (u)int8, (u)int16, (u)int32, (u)int64, float, double; `s` a
 *  string), `@Table`, `|Union`, `#12` for a struct of 12 bytes, or a vector of one of these: `[i`. `%16` is the
 *  alignment of a struct or of a vector's elements, a `!` at the end says that the field is required. Fields stand in
 *  the order of their slots; a union takes two. */

import { FormatError, rangeError } from '../../core/errors.ts';

export type ScalarKind = '?' | 'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'q' | 'Q' | 'f' | 'd';

export type FieldKind = ScalarKind | 's' | '@' | '|' | '#';

export interface FieldSchema {
  readonly name: string;
  /** `Table.field`. */
  readonly path: string;
  readonly kind: FieldKind;
  readonly isVector: boolean;
  /** Place in the vtable; a union has its type's slot here and its value's in the next one. */
  readonly slot: number;
  readonly default: number;
  /** Bytes that it takes in the table: of a union, its type's. */
  readonly inline: number;
  /** Bytes of the value, or of a vector's element: 4 for what is an offset. */
  readonly size: number;
  /** What the value, or a vector's first element, is aligned to. */
  readonly align: number;
  readonly required: boolean;
  /** Of `@`: the table. */
  readonly table: TableSchema | null;
  /** Of `|`: the tables, index 0 being type 1. */
  readonly members: readonly TableSchema[];
}

export interface TableSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
  /** Entries of the vtable that the fields take. */
  readonly slots: number;
  /** Whether a field is required. */
  readonly hasRequired: boolean;
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

/** A table of a schema by its name.
 *  @throws {RangeError} there is none */
export function tableOf({ tables }: Schema, name: string): TableSchema {
  const table = tables.get(name);
  if (table === undefined) throw rangeError('root', 'a table of the schema', name);
  return table;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a schema's text (its grammar is at the top of this file). Linear cost.
 *  @throws {FormatError} a word that is no field, or the name of a table or union that is not there */
export function parseSchema(text: string): Schema {
  const tables = new Map<string, Draft<TableSchema>>();
  const unions = new Map<string, readonly string[]>();
  const lines: { table: Draft<TableSchema>; words: string[] }[] = [];
  for (const line of text.split('\n')) {
    const [name, ...words] = line.trim().split(/ +/);
    if (name === undefined || name === '') continue;
    if (name.startsWith('|')) unions.set(name.slice(1), words);
    else {
      const table = { name, fields: [], slots: 0, hasRequired: false };
      tables.set(name, table);
      lines.push({ table, words });
    }
  }
  const find = (name: string): TableSchema => {
    const table = tables.get(name);
    if (table === undefined) throw broken(`there is no table "${name}"`);
    return table;
  };
  const members = new Map([...unions].map(([name, names]) => [name, names.map(find)]));
  for (const { table, words } of lines) {
    let slot = 0;
    table.fields = words.map((word) => {
      const field = fieldOf(table.name, word, slot, find, members);
      slot += field.kind === '|' ? 2 : 1;
      return field;
    });
    table.slots = slot;
    table.hasRequired = table.fields.some(({ required }) => required);
  }
  return { tables, unions };
}

function fieldOf(
  table: string,
  word: string,
  slot: number,
  find: (name: string) => TableSchema,
  unions: ReadonlyMap<string, readonly TableSchema[]>,
): FieldSchema {
  const pattern = /^(\w+):(\[?)([?bBhHiIqQfds]|@\w+|\|\w+|#\d+)(?:%(\d+))?(?:=([^!]+))?(!?)$/;
  const match = pattern.exec(word);
  if (match === null) throw broken(`"${word}" is no field of a schema`);
  const [, name, list, text, align, value, required] = match;
  const kind = text![0] as FieldKind;
  const target = text!.slice(1);
  const members = kind === '|' ? unions.get(target) : [];
  if (members === undefined) throw broken(`there is no union "${target}"`);
  if (kind === '|' && list === '[') throw broken(`"${name}" is a vector of unions: not supported`);
  const scalar = sizeOfScalar[kind as ScalarKind];
  const size = kind === '#' ? Number(target) : (scalar ?? 4);
  return {
    name: name!,
    path: `${table}.${name}`,
    kind,
    isVector: list === '[',
    slot,
    default: Number(value ?? 0),
    inline: list === '[' ? 4 : kind === '|' ? 1 : size,
    size,
    align: Math.max(Number(align ?? 1), kind === '#' ? 1 : size),
    required: required === '!',
    table: kind === '@' ? find(target) : null,
    members,
  };
}

function broken(message: string): FormatError {
  return new FormatError(message, { code: 'E_SCHEMA' });
}
