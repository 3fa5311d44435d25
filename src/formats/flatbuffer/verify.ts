import { FormatError, LimitError, UnsupportedError } from '../../core/errors.ts';
import { type Limits, resolveLimits } from '../../core/limits.ts';
import { Image } from './image.ts';
import { type FieldSchema, type Schema, type TableSchema, tableOf } from './schema.ts';

export interface VerifyOptions {
  /** Four letters that the buffer must have at bytes 4 to 7. */
  identifier?: string;
  /** `depth` (never above 127), `stringBytes` and `decodedBytes` count. */
  limits?: Partial<Limits> | undefined;
}

/** A field that the schema does not know, of a newer one. */
export interface UnknownField {
  table: string;
  /** Place in the vtable. */
  slot: number;
  /** Tables that have it. */
  count: number;
}

export interface Verified {
  /** Tables of a walk: one that is pointed to twice counts twice. */
  tables: number;
  /** Levels of nesting; the root has 1. */
  depth: number;
  unknown: UnknownField[];
}

/** What a decoded object takes beside its content, about. */
const objectBytes = 48;

/** Levels that no limit can exceed, so that the stack holds. */
const deepest = 127;

/** Checks a FlatBuffers buffer before anything is read of it: all offsets in range, aligned and pointing forward, vtables
 *  whole, strings ended, unions of a known type, required fields there. What it accepts, a reader can walk completely.
 *  What is pointed to twice is checked, and counted, twice: `limits.decodedBytes` (by default 3 × the buffer + 32 MB)
 *  bounds the tables, vectors and strings of a whole walk, so that sharing can't blow it up.
 *  Cost: below 0.5 µs a table.
 *  @param root  name of the root table
 *  @throws {FormatError} E_FLATBUFFER: it is broken; `where` is the path of fields and the message says what and at
 *    which byte. E_FLATBUFFER_IDENTIFIER: it is something else
 *  @throws {UnsupportedError} E_FLATBUFFER_UNION: a union's member is of a newer schema
 *  @throws {LimitError} nested deeper, or more decoded bytes, than the limits allow */
export function verifyTables(
  bytes: Uint8Array,
  schema: Schema,
  root: string,
  options: VerifyOptions = {},
): Verified {
  return verifyImage(new Image(bytes), schema, root, options);
}

/** The same over pages: what lies in pages that are not in memory is left out, and the image knows which they are.
 *  @param lazy  `Table.field` of vectors whose content is not to be read now */
export function verifyImage(
  image: Image,
  schema: Schema,
  root: string,
  { identifier, limits }: VerifyOptions,
  lazy = '',
): Verified {
  const verifier = new Verifier(image, resolveLimits(limits, image.size), lazy);
  return verifier.run(tableOf(schema, root), identifier);
}

class Verifier {
  private readonly image: Image;
  private readonly size: number;
  private readonly limits: Limits;
  private readonly lazy: string;
  private readonly unknown = new Map<string, UnknownField>();
  /** Where the walk is, for messages: fields, and places in vectors. */
  private readonly path: (FieldSchema | null)[] = [];
  private readonly places: number[] = [];
  private root = '';
  private tables = 0;
  private spent = 0;
  private deepest = 0;

  constructor(image: Image, limits: Limits, lazy: string) {
    this.image = image;
    this.size = image.size;
    this.limits = limits;
    this.lazy = lazy;
  }

  run(root: TableSchema, identifier: string | undefined): Verified {
    const { image } = this;
    this.root = root.name;
    const header = identifier === undefined ? 4 : 8;
    if (this.size < header) throw this.broken(`${this.size} bytes are no buffer`, 0, 0);
    if (!image.has(0, header)) return this.result();
    if (identifier !== undefined) {
      const found = String.fromCharCode(...image.bytes(4, 4));
      if (found !== identifier) {
        throw new FormatError(`the identifier is ${JSON.stringify(found)}, not "${identifier}"`, {
          code: 'E_FLATBUFFER_IDENTIFIER',
          where: root.name,
        });
      }
    }
    this.table(root, this.follow(0, 0), 1);
    return this.result();
  }

  private result(): Verified {
    const unknown = [...this.unknown.values()];
    return { tables: this.tables, depth: this.deepest, unknown };
  }

  private table(table: TableSchema, start: number, depth: number): void {
    this.path[depth] = null;
    const limit = Math.min(this.limits.depth, deepest);
    if (depth > limit) throw new LimitError('depth', limit, depth, { where: this.where(depth) });
    if (depth > this.deepest) this.deepest = depth;
    this.tables++;
    this.fields(table, start, depth);
  }

  private fields(table: TableSchema, start: number, depth: number): void {
    const { image, size } = this;
    if (!image.has(start, 4)) return;
    const vtable = start - image.i32(start);
    if (vtable < 0 || vtable + 4 > size || (vtable & 1) !== 0)
      throw this.broken(`its vtable is at byte ${vtable}`, start, depth);
    if (!image.has(vtable, 4)) return;
    const length = image.u16(vtable);
    const inline = image.u16(vtable + 2);
    if (length < 4 || (length & 1) !== 0 || vtable + length > size)
      throw this.broken(`its vtable has ${length} bytes`, vtable, depth);
    if (inline < 4 || start + inline > size)
      throw this.broken(`its fields take ${inline} bytes`, vtable, depth);
    // The vtable too, which may be shared: its length is work.
    this.spend(objectBytes + length, depth);
    if (!(image.has(vtable, length) && image.has(start, inline))) return;
    const slots = (length - 4) / 2;
    this.places[depth] = -1;
    for (const field of table.fields) {
      if (field.slot >= slots && !table.hasRequired) break;
      this.path[depth] = field;
      const offset = field.slot < slots ? image.u16(vtable + 4 + 2 * field.slot) : 0;
      if (offset === 0) {
        if (field.required) throw this.broken('it is required and missing', start, depth);
        continue;
      }
      if (offset < 4 || offset + field.inline > inline)
        throw this.broken('it lies outside of its table', start + offset, depth);
      const at = start + offset;
      if (field.isVector) this.vector(field, at, depth);
      else if (field.kind === 's') this.text(at, depth);
      else if (field.kind === '@') this.table(field.table!, this.follow(at, depth), depth + 1);
      else if (field.kind === '|') this.union(field, at, start, vtable, inline, slots, depth);
      else if (at % field.align !== 0) throw this.broken('it is not aligned', at, depth);
    }
    for (let slot = table.slots; slot < slots; slot++)
      if (image.u16(vtable + 4 + 2 * slot) !== 0) this.noteUnknown(table, slot);
  }

  private union(
    field: FieldSchema,
    at: number,
    start: number,
    vtable: number,
    inline: number,
    slots: number,
    depth: number,
  ): void {
    const type = this.image.u8(at);
    if (type === 0) return;
    const member = field.members[type - 1];
    if (member === undefined) {
      throw new UnsupportedError(`type ${type} of this union is not known`, {
        code: 'E_FLATBUFFER_UNION',
        where: this.where(depth),
        hint: 'the file may be of a newer version of its format',
      });
    }
    const offset = field.slot + 1 < slots ? this.image.u16(vtable + 6 + 2 * field.slot) : 0;
    // A type without a value: all of the member's fields have their defaults.
    if (offset === 0) return;
    if (offset < 4 || offset + 4 > inline)
      throw this.broken('it lies outside of its table', start + offset, depth);
    this.table(member, this.follow(start + offset, depth), depth + 1);
  }

  private vector(field: FieldSchema, at: number, depth: number): void {
    const { image } = this;
    const start = this.follow(at, depth) + 4;
    if (!image.has(start - 4, 4)) return;
    const count = image.u32(start - 4);
    const length = count * field.size;
    if (start + length > this.size)
      throw this.broken(`its ${count} elements end outside of the buffer`, start, depth);
    // Alignment beyond the elements' own is a wish of the writer's; an empty vector has nothing to align.
    const align = field.kind === '#' ? field.align : field.size;
    if (count > 0 && start % align !== 0) throw this.broken('it is not aligned', start, depth);
    this.spend(objectBytes + length, depth);
    if (field.path !== this.lazy) {
      if (!image.has(start, length)) return;
    }
    if (field.kind !== '@' && field.kind !== 's') return;
    for (let i = 0; i < count; i++) {
      this.places[depth] = i;
      if (field.kind === 's') this.text(start + 4 * i, depth);
      else this.table(field.table!, this.follow(start + 4 * i, depth), depth + 1);
    }
    this.places[depth] = -1;
  }

  private text(at: number, depth: number): void {
    const { image } = this;
    const start = this.follow(at, depth) + 4;
    if (!image.has(start - 4, 4)) return;
    const length = image.u32(start - 4);
    if (start + length + 1 > this.size)
      throw this.broken(`its ${length} bytes end outside of the buffer`, start, depth);
    const { stringBytes } = this.limits;
    if (length > stringBytes)
      throw new LimitError('stringBytes', stringBytes, length, { where: this.where(depth) });
    this.spend(objectBytes + length, depth);
    if (!image.has(start, length + 1)) return;
    if (image.u8(start + length) !== 0)
      throw this.broken('it does not end with a zero', start + length, depth);
  }

  /** Where an offset leads: to something aligned that has a first word within the buffer. */
  private follow(at: number, depth: number): number {
    if (at % 4 !== 0) throw this.broken('its offset is not aligned', at, depth);
    const offset = this.image.u32(at);
    const to = at + offset;
    if (offset === 0 || to + 4 > this.size || to % 4 !== 0)
      throw this.broken(`an offset leads to byte ${to}`, at, depth);
    return to;
  }

  private spend(bytes: number, depth: number): void {
    this.spent += bytes;
    const { decodedBytes } = this.limits;
    if (this.spent > decodedBytes) {
      const where = this.where(depth);
      throw new LimitError('decodedBytes', decodedBytes, this.spent, { where });
    }
  }

  private noteUnknown(table: TableSchema, slot: number): void {
    const key = `${table.name}.${slot}`;
    const known = this.unknown.get(key);
    if (known === undefined) this.unknown.set(key, { table: table.name, slot, count: 1 });
    else known.count++;
  }

  /** Path to what the walk is at, `Model.subgraphs[0].tensors[3].name`. */
  private where(depth: number): string {
    let path = this.root;
    for (let level = 1; level <= depth; level++) {
      const field = this.path[level];
      if (field === undefined || field === null) break;
      path += `.${field.name}`;
      if (this.places[level]! >= 0) path += `[${this.places[level]}]`;
    }
    return path;
  }

  private broken(what: string, at: number, depth: number): FormatError {
    return new FormatError(`${what} (byte ${at})`, {
      code: 'E_FLATBUFFER',
      where: this.where(depth),
    });
  }
}
