import { type DType, dtypes } from '../../../core/dtype.ts';
import type { UnsupportedError } from '../../../core/errors.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Value } from '../../../ir/graph.ts';
import type { Attribute } from '../../../ir/types.ts';

/** What rows write as an attribute: a number is an integer, see `float`. */
export type Plain = number | string | readonly number[] | Attribute;

export type Attributes = Readonly<Record<string, Plain | undefined>>;

/** A float attribute. */
export function float(value: number): Attribute {
  return { type: 'float', value };
}

interface Declining {
  unsupported(message: string): UnsupportedError;
}

/** Element type and dimensions of a value, as far as they are known. */
export function typeOf(value: Value): { dtype: DType | null; shape: Shape } {
  return value.type?.kind === 'tensor' ? value.type : { dtype: null, shape: null };
}

/** Number of axes of a value.
 *  @throws {UnsupportedError} it is not known */
export function rankOf(o: Declining, value: Value): number {
  const { shape } = typeOf(value);
  if (shape === null) throw o.unsupported(`the rank of "${value.name}" is not known`);
  return shape.length;
}

/** A number of elements that a row is about to make.
 *  @throws {UnsupportedError} it is none, or more than an operator's constants may have */
export function countOf(o: Declining, count: number): number {
  if (Number.isSafeInteger(count) && count >= 0 && count <= 2 ** 20) return count;
  throw o.unsupported(`${count} elements of a constant`);
}

/** Attributes as a node has them; undefined ones are left out. */
export function* attributeList(attributes: Attributes): Generator<[string, Attribute]> {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === 'number') yield [name, { type: 'int', value }];
    else if (typeof value === 'string') yield [name, { type: 'string', value }];
    else if (Array.isArray(value)) yield [name, { type: 'ints', value }];
    else yield [name, value as Attribute];
  }
}

/** The number that ONNX's attributes name an element type with: see ops/data-types.ts. */
export function typeNumber(dtype: DType): number {
  return Object.keys(dtypes).indexOf(dtype) + 1;
}
