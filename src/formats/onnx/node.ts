import { FormatError, UnsupportedError } from '../../core/errors.ts';
import type { Builder } from '../../ir/build.ts';
import { type Constant, constantOfValue } from '../../ir/constant.ts';
import { type Graph, type Node, type Origin, type Use, Value } from '../../ir/graph.ts';
import { type Attribute, tensorType } from '../../ir/types.ts';
import { pinnedOpset } from '../../ops/op.ts';
import { aboutValues } from './about-values.ts';
import { type AdaptContext, adaptUp, type Form } from './adapt/index.ts';
import { readAttributes } from './attribute.ts';
import type { NodeProto, ValueInfoProto } from './proto.ts';
import type { Reading } from './reading.ts';
import { synthetic } from './record.ts';
import type { Scope } from './scope.ts';
import { readType } from './types.ts';

/** Domain of nodes whose operator can't be raised to the pinned set: opaque, written back as they were. */
export const legacyDomain = 'ai.onnx.legacy';

/** Reads one node, raised to the pinned operator set: it may become several. Returns the outputs it declares. */
export function readNode(
  proto: NodeProto,
  builder: Builder,
  scope: Scope,
  declared: ReadonlyMap<string, ValueInfoProto>,
  reading: Reading,
  where: string,
): Value[] {
  const graph = builder.graph;
  const domain = proto.domain === 'ai.onnx' ? '' : (proto.domain ?? '');
  const op = proto.opType ?? '';
  if (op === '')
    throw new FormatError('a node without an operator', { code: 'E_ONNX_NO_OP', where });
  const inputs = (proto.input ?? []).map((name, index) => {
    if (name === '') return null;
    const value = scope.find(name);
    if (value !== undefined) return value;
    throw new FormatError(`nothing makes the input "${name}"`, {
      code: 'E_ONNX_UNDEFINED',
      where: `${where} input[${index}]`,
    });
  });
  const outputs = (proto.output ?? []).map((name) => {
    const info = declared.get(name);
    const value = new Value(graph, name, name === '' ? null : readType(info?.type));
    if (info !== undefined && name !== '') value.origin = info;
    return value;
  });
  const attributes = readAttributes(proto, scope, reading, where);
  const opset = reading.opsets.get(domain) ?? 1;
  const form: Form<Value> = { op, domain, attributes, inputs, outputs };
  const forms = raise(form, opset, proto, graph, reading);
  const nodes = forms.map((part) => {
    const node = addNode(part, proto, builder);
    reading.types.infer(node);
    return node;
  });
  const origin = originOf(proto, opset, attributes, nodes, inputs, outputs);
  for (const node of nodes) node.origin = origin;
  return outputs;
}

function raise(
  form: Form<Value>,
  opset: number,
  proto: NodeProto,
  graph: Graph,
  { functions }: Reading,
): Form<Value>[] {
  if (form.domain !== '' || functions.has(`.${form.op}`)) return [form];
  const base = proto.name || form.outputs[0]?.name || form.op;
  const added: Value[] = [];
  const context: AdaptContext<Value> = {
    constant(constant: Constant, hint: string): Value {
      const value = new Value(graph, `${base}/${hint}`, tensorType(constant.dtype, constant.shape));
      value.constant = constant;
      value.origin = synthetic;
      graph.constants.add(value);
      added.push(value);
      return value;
    },
    fresh: (hint) => new Value(graph, `${base}/${hint}`, null),
    ...aboutValues,
    constantOf: constantOfValue,
  };
  try {
    return adaptUp(form, opset, pinnedOpset, context);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    for (const value of added) graph.constants.delete(value);
    return [{ ...form, domain: legacyDomain }];
  }
}

function addNode(form: Form<Value>, proto: NodeProto, builder: Builder): Node {
  const { op, domain, inputs } = form;
  const attributes: Iterable<[string, Attribute]> = form.attributes;
  const node = builder.node({ op, domain, name: proto.name ?? '', attributes, inputs }, []);
  for (const value of form.outputs) {
    value.producer = node;
    node.outputs.push(value);
  }
  if (proto.metadataProps !== undefined) {
    node.metadata = new Map(proto.metadataProps.map(({ key, value }) => [key ?? '', value ?? '']));
  }
  return node;
}

/** Where each input and output of the file's node went. */
function originOf(
  record: NodeProto,
  opset: number,
  attributes: Origin['attributes'],
  nodes: Node[],
  inputs: readonly (Value | null)[],
  outputs: readonly Value[],
): Origin {
  const taken = new Set<Use>();
  const place = (value: Value | null, index: number): Use | null => {
    if (value === null) return null;
    for (const node of nodes) {
      const candidates = [index, ...node.inputs.keys()];
      for (const at of candidates) {
        const use = node.inputUses[at];
        if (use !== undefined && node.inputs[at] === value && !taken.has(use)) {
          taken.add(use);
          return use;
        }
      }
    }
    return null;
  };
  const places = inputs.map(place);
  const unread = new Map<number, Value>();
  inputs.forEach((value, index) => {
    if (value !== null && places[index] === null) unread.set(index, value);
  });
  return {
    record,
    opset,
    attributes,
    nodes,
    unread,
    inputs: places,
    outputs: outputs.map((value) => {
      const node = value.producer;
      return node === null ? null : { node, index: node.outputs.indexOf(value) };
    }),
  };
}
