/** Tables that describe protobuf messages: what a .proto file says, as data for the table-driven codec. */

export type ScalarType = 'int32' | 'int64' | 'float' | 'double' | 'string' | 'bytes';
/** Repeated numbers that stay as they are on the wire: little-endian floats, or varints one after another. */
export type LazyType = 'floats' | 'doubles' | 'varints';

/** `many`: repeated. `dims`: repeated and counted against the rank limit. `payload`: bytes that may be
 *  written from a source. `one of x`: at most one field of the group x is set. */
export type FieldLabel = 'many' | 'dims' | 'payload' | `one of ${string}`;
/** Field number, type (a scalar, a lazy type, or the name of a message) and label. */
export type FieldRow<Name extends string> = readonly [
  number: number,
  type: ScalarType | LazyType | Name,
  label?: FieldLabel,
];

export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: ScalarType | LazyType | 'message';
  readonly wire: number;
  readonly repeated: boolean;
  readonly rank: boolean;
  readonly payload: boolean;
  /** Type of a message field. */
  readonly message: MessageType | null;
  /** Other fields of the same oneof. */
  readonly rivals: readonly string[];
}

export interface MessageType {
  readonly name: string;
  /** In ascending order of number, the order of writing. */
  readonly fields: readonly Field[];
  /** By field number. */
  readonly numbers: readonly (Field | undefined)[];
  /** Limit that each such message counts against. */
  readonly counted: 'nodes' | 'tensors' | null;
}

/** A decoded message: fields by name, absent ones undefined. */
export interface Message {
  [field: string]: unknown;
  /** Fields that the table does not know, with their tags, in order of appearance. */
  unknown?: Uint8Array | undefined;
}

const wires: Readonly<Record<ScalarType | LazyType, number>> = {
  int32: 0,
  int64: 0,
  double: 1,
  string: 2,
  bytes: 2,
  float: 5,
  floats: 5,
  doubles: 1,
  varints: 0,
};

/** Message types of a table.
 *  @param rows  for each message its fields
 *  @param counted  messages that count against a limit */
export function messageTypes<Name extends string>(
  rows: Readonly<Record<Name, Readonly<Record<string, FieldRow<Name>>>>>,
  counted: Partial<Record<Name, 'nodes' | 'tensors'>>,
): Readonly<Record<Name, MessageType>> {
  const names = Object.keys(rows) as Name[];
  const made = new Map<string, { -readonly [K in keyof MessageType]: MessageType[K] }>();
  for (const name of names) {
    made.set(name, { name, fields: [], numbers: [], counted: counted[name] ?? null });
  }
  for (const name of names) {
    const entries = Object.entries<FieldRow<Name>>(rows[name]);
    const fields = entries.map(([field, [number, type, label]]): Field => {
      const message = made.get(type) ?? null;
      const scalar = type as ScalarType | LazyType;
      return {
        name: field,
        number,
        type: message === null ? scalar : 'message',
        wire: message === null ? wires[scalar] : 2,
        repeated: label === 'many' || label === 'dims',
        rank: label === 'dims',
        payload: label === 'payload',
        message,
        rivals: entries
          .filter(
            ([other, row]) => other !== field && label?.startsWith('one of') && row[2] === label,
          )
          .map(([other]) => other),
      };
    });
    const type = made.get(name)!;
    const numbers: (Field | undefined)[] = [];
    for (const field of fields) numbers[field.number] = field;
    type.fields = fields.sort((a, b) => a.number - b.number);
    type.numbers = Array.from(numbers);
  }
  return Object.fromEntries(made) as unknown as Readonly<Record<Name, MessageType>>;
}
