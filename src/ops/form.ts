import type { DType } from '../core/dtype.ts';
import { UnsupportedError } from '../core/errors.ts';
import type { Constant } from '../ir/constant.ts';
import type { Attribute, Int } from '../ir/types.ts';

/** A node in neutral form: `T` stands for a value (a name while reading a file, a Value in the IR). */
export interface Form<T> {
  op: string;
  domain: string;
  attributes: Map<string, Attribute>;
  inputs: (T | null)[];
  outputs: T[];
}

/** What an adapter may ask about the values of its form, and make beside it. */
export interface AdaptContext<T> {
  constant(constant: Constant, hint: string): T;
  /** A new value, of the type of `like` where one is given, or of its shape and another element type. */
  fresh(hint: string, like?: T, dtype?: DType): T;
  rank(value: T): number | null;
  constantOf(value: T): Constant | null;
  /** Element type; default null, which reads as float32 where a float constant has to match it. */
  dtype?(value: T): DType | null;
  /** Sizes, null where unknown; default null. */
  shape?(value: T): readonly (number | null)[] | null;
  /** Name of the node, for errors. */
  readonly node?: string;
  /** Whether an output is there, which in files a name tells; default true. */
  isUsed?(value: T): boolean;
}

/** One breaking edge of one operator. */
export interface Adapter {
  op: string;
  /** The version that changed the operator; a form of any version before it is taken. */
  since: number;
  /** Forms of version `since` that mean the same, producers first; the same form where nothing changes.
   *  @param target  the version that the caller goes on to: rows that follow up to it will be applied
   *  @throws {UnsupportedError} the form has no equivalent, or too little is known about it */
  up<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[];
}

/** The form with some parts replaced; the original stays as it is. */
export function changed<T>(form: Form<T>, change: Partial<Form<T>>): Form<T> {
  return { ...form, ...change };
}

/** A form of ai.onnx. */
export function makeForm<T>(
  op: string,
  inputs: (T | null)[],
  outputs: T[],
  attributes: Record<string, Attribute> = {},
): Form<T> {
  return { op, domain: '', attributes: new Map(Object.entries(attributes)), inputs, outputs };
}

/** The attributes without `names`; the same map if none of them is there. */
export function without(
  attributes: Map<string, Attribute>,
  names: readonly string[],
): Map<string, Attribute> {
  if (!names.some((name) => attributes.has(name))) return attributes;
  return new Map([...attributes].filter(([name]) => !names.includes(name)));
}

/** The attributes with one set. */
export function withAttribute(
  attributes: Map<string, Attribute>,
  name: string,
  attribute: Attribute,
): Map<string, Attribute> {
  return new Map(attributes).set(name, attribute);
}

/** An integer attribute; null if it is absent or of another type. */
export function intOf<T>(form: Form<T>, name: string): number | null {
  const attribute = form.attributes.get(name);
  return attribute?.type === 'int' ? Number(attribute.value) : null;
}

/** A number attribute; null if it is absent or of another type. */
export function floatOf<T>(form: Form<T>, name: string): number | null {
  const attribute = form.attributes.get(name);
  return attribute?.type === 'float' || attribute?.type === 'int' ? Number(attribute.value) : null;
}

/** A list of integers; null if it is absent or of another type. */
export function intsOf<T>(form: Form<T>, name: string): readonly Int[] | null {
  const attribute = form.attributes.get(name);
  if (attribute?.type === 'ints') return attribute.value;
  // Writers that don't know that a list is empty leave its type at floats or strings.
  const empty = attribute?.type === 'floats' || attribute?.type === 'strings';
  return empty && attribute.value.length === 0 ? [] : null;
}

/** A string attribute; null if it is absent or of another type. */
export function stringOf<T>(form: Form<T>, name: string): string | null {
  const attribute = form.attributes.get(name);
  return attribute?.type === 'string' ? attribute.value : null;
}

/** Inputs with `value` at `index`, absent ones filled in before it. */
export function withInput<T>(
  inputs: readonly (T | null)[],
  index: number,
  value: T | null,
): (T | null)[] {
  const result = [...inputs];
  while (result.length < index) result.push(null);
  result[index] = value;
  while (result.length > 0 && result[result.length - 1] === null) result.pop();
  return result;
}

/** Whether a domain is ai.onnx, by either name. */
export function isDefaultDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** An edge that this form can't take. */
export function cannotAdapt<T>(
  form: Form<T>,
  since: number,
  why: string,
  hint: string,
): UnsupportedError {
  return new UnsupportedError(`${form.op} can't be raised to opset ${since}: ${why}`, {
    code: 'E_OPSET_ADAPT',
    where: `onnx: ${form.op} written before opset ${since}`,
    hint,
  });
}

/** A form that an older operator set can't say.
 *  @param target  the operator set that is wished */
export function cannotLower<T>(
  form: Form<T>,
  context: AdaptContext<T>,
  target: number,
  why: string,
  hint: string,
): UnsupportedError {
  return new UnsupportedError(`${form.op} can't be written in opset ${target}: ${why}`, {
    code: 'E_OPSET_LOWER',
    where: `onnx: node "${context.node ?? ''}"`,
    hint,
  });
}
