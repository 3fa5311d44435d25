import { VerifyError } from '../core/errors.ts';
import { describe } from '../ir/edit.ts';
import type { Node } from '../ir/graph.ts';
import type { Attribute } from '../ir/types.ts';
import type { AttributeKind, AttributeReader, AttributeSchema, Op } from './op.ts';

/** Attributes of a node with the defaults of its operator. */
export function readAttributes(op: Op, node: Node): AttributeReader {
  const get = (name: string): unknown => {
    const attribute = node.attributes.get(name);
    if (attribute !== undefined && fits(attribute, op.attributes[name]?.kind))
      return attribute.value;
    return op.attributes[name]?.default;
  };
  const need = <V>(name: string, value: V | undefined): V => {
    if (value !== undefined) return value;
    throw new VerifyError(`${describe(node)} has no attribute "${name}" and no default for it`, {
      code: 'E_ATTRIBUTE_MISSING',
    });
  };
  return {
    has: (name) => node.attributes.has(name),
    int: (name, fallback) => need(name, asNumber(get(name)) ?? fallback),
    float: (name, fallback) => need(name, asNumber(get(name)) ?? fallback),
    string: (name, fallback) => {
      const value = get(name);
      return need(name, typeof value === 'string' ? value : fallback);
    },
    ints: (name) => {
      const value = get(name);
      return Array.isArray(value) ? value.map(Number) : null;
    },
  };
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
  const counts = [
    ['inputs', node.inputs.length, op.inputs],
    ['outputs', node.outputs.length, op.outputs],
  ] as const;
  for (const [what, count, [least, most]] of counts) {
    if (count < least || count > most) {
      const range = least === most ? `${least}` : `${least}..${most}`;
      return { code: 'E_OP_ARITY', message: `it has ${count} ${what}, expected ${range}` };
    }
  }
  for (const [name, schema] of Object.entries(op.attributes)) {
    const attribute = node.attributes.get(name);
    const fault = attribute === undefined ? null : attributeFault(attribute, schema);
    if (fault !== null)
      return { code: 'E_OP_ATTRIBUTE', message: `attribute "${name}" is ${fault}` };
    if (attribute === undefined && schema.required === true)
      return { code: 'E_OP_ATTRIBUTE', message: `attribute "${name}" is missing` };
  }
  return null;
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
