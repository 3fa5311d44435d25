import { UnsupportedError } from '../../core/errors.ts';
import { type Constant, constantOfValue } from '../../ir/constant.ts';
import { describe } from '../../ir/edit.ts';
import { type Graph, type Node, type Origin, Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import { pinnedOpset } from '../../ops/op.ts';
import { aboutValues } from './about-values.ts';
import {
  type AdaptContext,
  adaptDown,
  adaptUp,
  breaks,
  type Form,
  isSameSchema,
} from './adapt/index.ts';
import { refreshAttribute, writeAttribute } from './attribute.ts';
import { legacyDomain } from './node.ts';
import type { GraphProto, NodeProto, TensorProto } from './proto.ts';
import { isSynthetic, nodeRecord } from './record.ts';
import { writeTensor } from './tensor-constant.ts';
import type { Writing } from './write.ts';

export interface Written {
  nodes: NodeProto[];
  /** Constants that raising the node to the written operator set made. */
  tensors: TensorProto[];
  /** IR nodes that these stand for. */
  covered: readonly Node[];
  /** Synthetic constants that are read, and so must be written. */
  synthetic: Value[];
}

type Body = (graph: Graph) => GraphProto;

/** One node as messages: its record where it still holds, raised to the written operator set if need be. */
export function writeNode(node: Node, writing: Writing, body: Body): Written {
  const { origin } = node;
  if (origin !== null && holds(origin) && (!writing.lowering || isFine(origin, writing.opset)))
    return writeRecord(origin, writing, body);
  if (writing.lowering && node.domain === '') return lowerNode(node, writing, body);
  if (
    node.domain === legacyDomain ||
    (node.domain === '' && breaks(node.op, writing.opset, pinnedOpset))
  ) {
    throw new UnsupportedError(`${describe(node)} can't be written in opset ${writing.opset}`, {
      code: 'E_ONNX_OPSET',
      where: `onnx: node "${node.name}"`,
      hint: `write opset ${pinnedOpset}`,
    });
  }
  const proto: NodeProto = {
    input: trimmed(node.inputs.map((value) => value?.name ?? '')),
    output: node.outputs.map(({ name }) => name),
    ...(node.name === '' ? {} : { name: node.name }),
    opType: node.op,
    ...(node.domain === '' ? {} : { domain: node.domain }),
  };
  if (node.attributes.size > 0) {
    proto.attribute = [...node.attributes].map(([name, attribute]) =>
      writeAttribute(name, attribute, body),
    );
  }
  if (node.metadata !== null)
    proto.metadataProps = [...node.metadata].map(([key, value]) => ({ key, value }));
  const synthetic = node.inputs.filter(
    (value): value is Value => value !== null && isSynthetic(value),
  );
  return { nodes: [proto], tensors: [], covered: [node], synthetic };
}

/** Whether the nodes that a record became are all there, unchanged and linked to each other as they were. */
function holds(origin: Origin): boolean {
  if (origin.nodes.length === 1) return true;
  const group = new Set(origin.nodes);
  // A record's input may have several readers: the first is its place, the others must read the same value.
  const read = new Set(origin.inputs.map((use) => use && (use.user as Node).inputs[use.index]));
  return origin.nodes.every(
    (node) =>
      node.origin === origin &&
      node.inputs.every((value) => {
        if (value === null || isSynthetic(value)) return true;
        const inside = value.producer !== null && group.has(value.producer);
        return inside || read.has(value);
      }),
  );
}

function writeRecord(origin: Origin, writing: Writing, body: Body): Written {
  const record = nodeRecord(origin.record);
  const names = record.input ?? [];
  const input = names.map((name, index) => {
    const place = origin.inputs[index];
    if (place == null) return origin.unread.get(index)?.name ?? name;
    return (place.user as Node).inputs[place.index]?.name ?? '';
  });
  const output = (record.output ?? []).map((name, index) => {
    const place = origin.outputs[index];
    return place === null || place === undefined
      ? name
      : (place.node.outputs[place.index]?.name ?? name);
  });
  const proto: NodeProto = { ...record };
  if (record.input !== undefined) proto.input = input;
  if (record.output !== undefined) proto.output = output;
  if (record.attribute !== undefined) {
    proto.attribute = record.attribute.map((entry) =>
      refreshAttribute(entry, origin.attributes.get(entry.name ?? ''), body, writing.typed),
    );
  }
  const main = record.domain === undefined || record.domain === '' || record.domain === 'ai.onnx';
  const result: Written = { nodes: [proto], tensors: [], covered: origin.nodes, synthetic: [] };
  if (!main || !breaks(record.opType ?? '', origin.opset, writing.opset)) return result;
  return raiseRecord(origin, writing, body, result);
}

/** Whether a record says the same in an older operator set, or is of another domain. */
function isFine(origin: Origin, opset: number): boolean {
  const { domain = '', opType = '' } = nodeRecord(origin.record);
  if (domain !== '' && domain !== 'ai.onnx') return true;
  return isSameSchema(opType, origin.opset, opset);
}

/** A node in an operator set older than the pinned one. */
function lowerNode(node: Node, writing: Writing, body: Body): Written {
  const tensors: TensorProto[] = [];
  const made = new Set<Value>();
  const base = node.name || node.outputs[0]?.name || node.op;
  const context: AdaptContext<Value> = {
    constant(constant: Constant, hint: string): Value {
      const type = tensorType(constant.dtype, constant.shape);
      const value = new Value(node.graph, writing.fresh(`${base}/${hint}`), type);
      value.constant = constant;
      made.add(value);
      return value;
    },
    fresh(hint, like, dtype) {
      const known = like?.type?.kind === 'tensor' ? like.type : null;
      const type =
        known === null && dtype === undefined
          ? null
          : tensorType(dtype ?? known?.dtype ?? null, known?.shape ?? null);
      return new Value(node.graph, writing.fresh(`${base}/${hint}`), type);
    },
    ...aboutValues,
    constantOf: constantOfValue,
    node: node.name || base,
  };
  const form: Form<Value> = {
    op: node.op,
    domain: '',
    attributes: node.attributes,
    inputs: [...node.inputs],
    outputs: [...node.outputs],
  };
  const forms = adaptDown(form, writing.opset, context);
  const read = new Set(forms.flatMap(({ inputs }) => inputs));
  for (const value of made)
    if (read.has(value)) tensors.push(writeTensor(value.name, value.constant!));
  const synthetic = [...read].filter(
    (value): value is Value => value !== null && isSynthetic(value),
  );
  if (forms.length !== 1 || forms[0] !== form) {
    writing.onLowered({
      node: node.name || base,
      op: node.op,
      becomes: forms.map(({ op }) => op),
    });
  }
  const nodes = forms.map((part): NodeProto => {
    const name = forms.length > 1 && part.op !== node.op ? '' : node.name;
    const proto: NodeProto = {
      input: trimmed(part.inputs.map((value) => value?.name ?? '')),
      output: part.outputs.map((value) => value.name),
      ...(name === '' ? {} : { name }),
      opType: part.op,
    };
    if (part.attributes.size > 0) {
      proto.attribute = [...part.attributes].map(([key, attribute]) =>
        writeAttribute(key, attribute, body),
      );
    }
    return proto;
  });
  return { nodes, tensors, covered: [node], synthetic };
}

/** The record's node in a later operator set. */
function raiseRecord(origin: Origin, writing: Writing, body: Body, result: Written): Written {
  const record = nodeRecord(origin.record);
  const graph = origin.nodes[0]!.graph;
  const base = record.name || record.output?.[0] || record.opType || '';
  const context: AdaptContext<Value> = {
    constant(constant: Constant, hint: string): Value {
      const name = writing.fresh(`${base}/${hint}`);
      result.tensors.push(writeTensor(name, constant));
      const value = new Value(graph, name, tensorType(constant.dtype, constant.shape));
      value.constant = constant;
      return value;
    },
    fresh: (hint) => new Value(graph, writing.fresh(`${base}/${hint}`), null),
    ...aboutValues,
    constantOf: (value) => value.constant,
  };
  const first = result.nodes[0]!;
  const form: Form<Value> = {
    op: record.opType ?? '',
    domain: '',
    attributes: new Map(origin.attributes),
    inputs: (first.input ?? []).map((name, index) => {
      if (name === '') return null;
      const place = origin.inputs[index];
      if (place == null) return origin.unread.get(index) ?? null;
      return (place.user as Node).inputs[place.index] ?? null;
    }),
    outputs: (first.output ?? []).map((name, index) => {
      const place = origin.outputs[index];
      return place == null ? new Value(graph, name, null) : place.node.outputs[place.index]!;
    }),
  };
  const forms = adaptUp(form, origin.opset, writing.opset, context);
  result.nodes = forms.map((part) => ({
    ...first,
    // Names of nodes are unique: what an adapter put around the operator goes by its output.
    ...(forms.length > 1 && part.op !== form.op ? { name: part.outputs[0]?.name ?? '' } : {}),
    input: trimmed(part.inputs.map((value) => value?.name ?? '')),
    output: part.outputs.map(({ name }) => name),
    opType: part.op,
    attribute: [...part.attributes].map(([name, attribute]) =>
      writeAttribute(name, attribute, body),
    ),
  }));
  return result;
}

/** Trailing absent inputs are left out. */
function trimmed(names: string[]): string[] {
  while (names.length > 0 && names[names.length - 1] === '') names.pop();
  return names;
}
