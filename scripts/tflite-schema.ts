/** Makes src/formats/tflite/schema-table.ts and records.ts from the TFLite schema, a FlatBuffers `.fbs` file:
 *
 *     npm run generate:tflite -- schema.fbs
 *
 *  The file is part of LiteRT (tflite/converter/schema/schema.fbs); only its facts are kept: names, order and kinds of
 *  fields. */

import { readFileSync, writeFileSync } from 'node:fs';

interface Field {
  name: string;
  type: string;
  default: string | null;
  align: number;
}

const path = process.argv[2];
if (path === undefined) {
  console.error('usage: npm run generate:tflite -- schema.fbs');
  process.exit(2);
}
const text = readFileSync(path, 'utf8').replace(/\/\/.*$/gm, '');

const enums = new Map<string, { base: string; values: [string, number][] }>();
for (const [, name, base, body] of text.matchAll(/\benum\s+(\w+)\s*:\s*(\w+)\s*\{([^}]*)\}/g)) {
  let next = 0;
  const values: [string, number][] = [];
  for (const item of body!.split(',')) {
    const match = /(\w+)\s*(?:=\s*(-?\d+))?/.exec(item);
    if (match === null) continue;
    if (match[2] !== undefined) next = Number(match[2]);
    values.push([match[1]!, next++]);
  }
  enums.set(name!, { base: base!, values });
}

const unions = new Map<string, string[]>();
for (const [, name, body] of text.matchAll(/\bunion\s+(\w+)\s*\{([^}]*)\}/g)) {
  const members = body!.split(',').map((item) => /\w+/.exec(item)?.[0]);
  unions.set(
    name!,
    members.filter((item) => item !== undefined),
  );
}

const tables = new Map<string, Field[]>();
for (const [, name, body] of text.matchAll(/\btable\s+(\w+)\s*(?:\([^)]*\))?\s*\{([^}]*)\}/g)) {
  const fields: Field[] = [];
  const pattern = /(\w+)\s*:\s*(\[?\s*\w+\s*\]?)\s*(?:=\s*([\w.+-]+))?\s*(?:\(([^)]*)\))?\s*;/g;
  for (const [, field, type, value, notes] of body!.matchAll(pattern)) {
    const align = /force_align\s*:\s*(\d+)/.exec(notes ?? '')?.[1];
    fields.push({
      name: field!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      type: type!.replace(/\s/g, ''),
      default: value ?? null,
      align: Number(align ?? 0),
    });
  }
  tables.set(name!, fields);
}

/** Letters as formats/flatbuffer/schema.ts reads them. */
const scalars: Readonly<Record<string, string>> = {
  bool: '?',
  byte: 'b',
  int8: 'b',
  ubyte: 'B',
  uint8: 'B',
  short: 'h',
  int16: 'h',
  ushort: 'H',
  uint16: 'H',
  int: 'i',
  int32: 'i',
  uint: 'I',
  uint32: 'I',
  long: 'q',
  int64: 'q',
  ulong: 'Q',
  uint64: 'Q',
  float: 'f',
  float32: 'f',
  double: 'd',
  float64: 'd',
  string: 's',
};

function kindOf(type: string): string {
  const list = /^\[(\w+)\]$/.exec(type)?.[1];
  if (list !== undefined) return `[${kindOf(list)}`;
  const base = enums.get(type)?.base ?? type;
  if (scalars[base] !== undefined) return scalars[base];
  if (unions.has(type)) return `|${type}`;
  if (tables.has(type)) return `@${type}`;
  throw new Error(`${type} is not known`);
}

function defaultOf({ type, default: value }: Field): string {
  if (value === null) return '';
  const number = enums.get(type)?.values.find(([name]) => name === value)?.[1] ?? value;
  const plain = number === 'true' ? '1' : number === 'false' ? '0' : `${number}`;
  if (Number.isNaN(Number(plain))) throw new Error(`${plain} is no default`);
  return Number(plain) === 0 ? '' : `=${Number(plain)}`;
}

function line(name: string, fields: readonly Field[]): string {
  const parts = fields.map((field) => {
    const align = field.align === 0 ? '' : `%${field.align}`;
    return `${field.name}:${kindOf(field.type)}${align}${defaultOf(field)}`;
  });
  return [name, ...parts].join(' ');
}

const made = '/** Made by scripts/tflite-schema.ts from the TFLite schema; not to be edited. */';
const schema = [
  ...[...unions].map(([name, members]) => `|${name} ${members.join(' ')}`),
  ...[...tables].map(([name, fields]) => line(name, fields)),
].join('\n');
const listed = ['TensorType', 'BuiltinOperator'];
const lists = listed.map((name) => {
  const constant = name === 'TensorType' ? 'tensorTypes' : 'builtinOperators';
  const { values } = enums.get(name)!;
  if (values.some(([, value], index) => value !== index)) throw new Error(`${name} has gaps`);
  const what = name === 'TensorType' ? 'Element types' : 'Built-in operators';
  return `/** ${what}, by number. */
export const ${constant}: readonly string[] =
  '${values.map(([item]) => item).join(' ')}'.split(' ');`;
});
const others = [...enums].filter(([name]) => !listed.includes(name));
const enumText = others
  .map(([name, { values }]) => {
    const rows = values.map(([item, value]) => `  ${item}: ${value},`).join('\n');
    return `export const ${name} = {\n${rows}\n} as const;`;
  })
  .join('\n\n');

writeFileSync(
  'src/formats/tflite/schema-table.ts',
  `${made}

/** Unions, then tables, one a line, as formats/flatbuffer/schema.ts reads them. */
export const schemaText = \`${schema}\`;

${lists.join('\n\n')}

${enumText}
`,
);

const typescript: Readonly<Record<string, string>> = {
  '?': 'boolean',
  q: 'bigint',
  Q: 'bigint',
  s: 'string',
};
const arrays: Readonly<Record<string, string>> = {
  '?': 'Uint8Array',
  b: 'Int8Array',
  B: 'Uint8Array',
  h: 'Int16Array',
  H: 'Uint16Array',
  i: 'Int32Array',
  I: 'Uint32Array',
  q: 'BigInt64Array',
  Q: 'BigUint64Array',
  f: 'Float32Array',
  d: 'Float64Array',
  s: 'string[]',
};

/** Names that the IR or a runtime has too get another one. */
function recordName(table: string): string {
  return table.endsWith('Options') || unions.has(table) ? table : `${table}Record`;
}

function recordType(kind: string): string {
  const list = kind.startsWith('[');
  const item = list ? kind.slice(1) : kind;
  if (item.startsWith('@')) return `${recordName(item.slice(1))}${list ? '[]' : ''}`;
  if (item.startsWith('|')) return item.slice(1);
  return list ? arrays[item]! : (typescript[item] ?? 'number');
}

const interfaces = [...tables].map(([name, fields]) => {
  const rows = fields.map((field) => `  ${field.name}?: ${recordType(kindOf(field.type))};`);
  return rows.length === 0
    ? `export type ${recordName(name)} = Record<never, never>;`
    : `export interface ${recordName(name)} {\n${rows.join('\n')}\n}`;
});
const unionTypes = [...unions].map(([name, members]) => {
  const rows = members.map((member) => `  | { type: '${member}'; value: ${recordName(member)} }`);
  return `export type ${name} =\n${rows.join('\n')};`;
});
writeFileSync(
  'src/formats/tflite/records.ts',
  `${made}

/** A file's tables as plain objects. A field that the file leaves out is absent here too: its default is in the
 *  schema. Enumerations are numbers, 64-bit integers are bigints, lists of scalars are typed arrays. */

${[...unionTypes, ...interfaces].join('\n\n')}
`,
);
