import { VerifyError } from '../core/errors.ts';
import { describe } from '../ir/edit.ts';
import type { Node } from '../ir/graph.ts';
import type { Attribute } from '../ir/types.ts';
import type { AttributeKind, AttributeReader, AttributeSchema, Op } from './op.ts';

/** Attributes of a node with the defaults of its operator. */
export function readAttributes(op: Op, node: Node): AttributeReader {
  return new Reader(op, node);
}

class Reader implements AttributeReader {
  readonly #op: Op;
  readonly #node: Node;

  constructor(op: Op, node: Node) {
    this.#op = op;
    this.#node = node;
  }

  has(name: string): boolean {
    return this.#node.attributes.has(name);
  }

  int(name: string, fallback?: number): number {
    return this.#need(name, asNumber(this.#get(name)) ?? fallback);
  }

  float(name: string, fallback?: number): number {
    return this.#need(name, asNumber(this.#get(name)) ?? fallback);
  }

  string(name: string, fallback?: string): string {
    const value = this.#get(name);
    return this.#need(name, typeof value === 'string' ? value : fallback);
  }

  ints(name: string): number[] | null {
    const value = this.#get(name);
    return Array.isArray(value) ? value.map(Number) : null;
  }

  #get(name: string): unknown {
    const attribute = this.#node.attributes.get(name);
    const schema = this.#op.attributes[name];
    if (attribute !== undefined && fits(attribute, schema?.kind)) return attribute.value;
    return schema?.default;
  }

  #need<V>(name: string, value: V | undefined): V {
    if (value !== undefined) return value;
    const message = `${describe(this.#node)} has no attribute "${name}" and no default for it`;
    throw new VerifyError(message, { code: 'E_ATTRIBUTE_MISSING' });
  }
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

/** Whether an attribute is of a kind, an empty list being a list of anything. */
function fits(attribute: Attribute, kind: AttributeKind | undefined): boolean {
  if (kind === undefined || attribute.type === kind || kind === 'opaque') return true;
  if (kind === 'float') return attribute.type === 'int';
  const isList = kind === 'ints' || kind === 'floats' || kind === 'strings';
  return isList && Array.isArray(attribute.value) && attribute.value.length === 0;
}

/** What is wrong with a node's number of operands or its attributes, or null. Attributes that the schema does
 *  not know are not looked at. */
export function findFault(op: Op, node: Node): { code: string; message: string } | null {
  const count =
    countFault('inputs', node.inputs.length, op.inputs) ??
    countFault('outputs', node.outputs.length, op.outputs);
  if (count !== null) return { code: 'E_OP_ARITY', message: count };
  for (const name in op.attributes) {
    const schema = op.attributes[name]!;
    const attribute = node.attributes.get(name);
    const fault = attribute === undefined ? null : attributeFault(attribute, schema);
    if (fault !== null)
      return { code: 'E_OP_ATTRIBUTE', message: `attribute "${name}" is ${fault}` };
    if (attribute === undefined && schema.required === true)
      return { code: 'E_OP_ATTRIBUTE', message: `attribute "${name}" is missing` };
  }
  return null;
}

function countFault(
  what: string,
  count: number,
  [least, most]: readonly [number, number],
): string | null {
  if (count >= least && count <= most) return null;
  const range = least === most ? `${least}` : `${least}..${most}`;
  return `it has ${count} ${what}, expected ${range}`;
}

function attributeFault(attribute: Attribute, schema: AttributeSchema): string | null {
  const { kind, min, max, oneOf } = schema;
  if (!fits(attribute, kind)) return `of type ${attribute.type}, expected ${kind}`;
  if (oneOf !== undefined && attribute.type === 'string' && !oneOf.includes(attribute.value))
    return `"${attribute.value.slice(0, 40)}", expected ${oneOf.join(' | ')}`;
  if (min === undefined && max === undefined) return null;
  const numbers = Array.isArray(attribute.value) ? attribute.value : [attribute.value];
  for (const item of numbers) {
    if ((min !== undefined && item < min) || (max !== undefined && item > max))
      return `${item}, expected ${min ?? '…'}..${max ?? '…'}`;
  }
  return null;
}
