import { differentDims } from '../../core/dim.ts';
import { UnsupportedError } from '../../core/errors.ts';
import type { ByteSink } from '../../core/source.ts';
import { Graph, type Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { ValueType } from '../../ir/types.ts';
import { allGraphs, allNodes, freshName, namesAround, shortNames } from '../../ir/walk.ts';
import { pinnedOpset } from '../../ops/op.ts';
import type { LoweredNode, WriteOptions, WriteReport } from '../format.ts';
import { encodedSize, encodeModel } from './codec.ts';
import { type Dequantized, dequantize, opsetOf } from './dequantize.ts';
import { ExternalWriter } from './external.ts';
import { asOnnx } from './foreign.ts';
import { neededOpset } from './needed.ts';
import { isOwnFunction, ownFunctions } from './own-functions.ts';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
  ValueInfoProto,
} from './proto.ts';
import { graphRecord, infoRecord, isSparse, isSynthetic, modelRecord } from './record.ts';
import { irVersionFor } from './release.ts';
import { writeTensor } from './tensor-constant.ts';
import { makeValueInfo, readType } from './types.ts';
import { type Written, writeNode } from './write-node.ts';

/** Writes a model. What nobody touched is written as it was read; the operator set is raised if something in
 *  the model needs it.
 *  @throws {UnsupportedError} an operator that can't be written in the wished operator set */
export async function writeOnnx(
  source: Model,
  sink: ByteSink,
  options: WriteOptions,
): Promise<WriteReport> {
  const model = asOnnx(source, options.quantizationForm);
  const opset = chooseOpset(model, options.opset);
  const { external } = options;
  const outside = external === undefined ? null : new ExternalWriter(external.location);
  const proto = toProto(model, opset, outside, options.onLowered);
  const bytes = encodedSize(proto);
  await encodeModel(proto, sink);
  if (outside !== null && external !== undefined) await outside.writeTo(external.sink);
  return { format: 'onnx', bytes, externalBytes: outside?.size ?? 0, opset };
}

/** The model as an ONNX message; weights stay references. */
export function toProto(
  model: Model,
  opset: number,
  outside: ExternalWriter | null = null,
  onLowered: (node: LoweredNode) => void = () => undefined,
): ModelProto {
  const record = modelRecord(model);
  const names = namesAround(model.graph);
  const before = model.opsets.get('') ?? 1;
  const irVersion = Number(record.irVersion ?? 0);
  const lowering = opset < neededOpset(model);
  const foreign = (record.functions ?? []).filter((item) => !isOwnFunction(item));
  const own = ownFunctions(model, opset);
  if (lowering && foreign.length > 0) {
    throw new UnsupportedError(`functions of the model can't be written in opset ${opset}`, {
      code: 'E_ONNX_OPSET',
      where: 'onnx: model',
      hint: 'leave the operator set out, or inline the functions',
    });
  }
  const raised = Math.max(
    lowering ? 0 : irVersion,
    opset === before && irVersion > 0 ? irVersion : irVersionFor(opset),
    hasUnlistedConstants(model) ? firstUnlisted : irVersion,
    own.length > 0 ? firstWithFunctions : irVersion,
  );
  const graph = writeGraph(model.graph, {
    opset,
    lowering,
    onLowered,
    typed: irVersion < firstTyped && raised >= firstTyped,
    fresh: (base) => freshName(names, base),
    short: shortNames(names),
    place: (tensor) => outside?.place(tensor) ?? tensor,
  });
  const hasImports = (record.opsetImport?.length ?? 0) > 0;
  return {
    ...(model.origin === null ? { producerName: 'modelpress' } : record),
    ...(raised === irVersion ? {} : { irVersion: raised }),
    graph,
    ...(own.length > 0 || foreign.length !== (record.functions?.length ?? 0)
      ? { functions: [...foreign, ...own] }
      : {}),
    ...(opset === before && model.origin !== null && (hasImports || raised < firstImporting)
      ? newDomains(model, record)
      : { opsetImport: imports(model, opset) }),
  };
}

/** First IR version whose attributes say their type. */
const firstTyped = 2;
/** First IR version that names operator sets. */
const firstImporting = 3;
/** First IR version with functions of a model's own. */
const firstWithFunctions = 8;
/** First IR version whose initializers need not be inputs. */
const firstUnlisted = 4;

function hasUnlistedConstants({ graph }: Model): boolean {
  const inputs = new Set(graph.inputs);
  return [...graph.constants].some((value) => !isSynthetic(value) && !inputs.has(value));
}

/** The record's operator sets, and those of domains that are new. */
function imports(model: Model, opset: number): OperatorSetIdProto[] {
  const { opsetImport = [] } = modelRecord(model);
  const isMain = ({ domain = '' }: OperatorSetIdProto): boolean =>
    domain === '' || domain === 'ai.onnx';
  const listed = opsetImport.map((entry) => (isMain(entry) ? { ...entry, version: opset } : entry));
  if (!listed.some(isMain)) listed.push({ domain: '', version: opset });
  for (const { domain } of allNodes(model.graph)) {
    const isListed = isMain({ domain }) || listed.some((entry) => entry.domain === domain);
    if (!isListed) listed.push({ domain, version: model.opsets.get(domain) ?? 1 });
  }
  return listed;
}

/** The record's operator sets with those of domains that only nodes which were added have; nothing where there are none. */
function newDomains(
  model: Model,
  { opsetImport = [] }: ModelProto,
): Pick<ModelProto, 'opsetImport'> {
  const listed = new Set(opsetImport.map(({ domain = '' }) => domain));
  const added = new Set<string>();
  for (const { domain, origin } of allNodes(model.graph))
    if (origin === null && domain !== '' && !listed.has(domain)) added.add(domain);
  if (added.size === 0) return {};
  return { opsetImport: [...opsetImport, ...[...added].map((domain) => ({ domain, version: 1 }))] };
}

/** First operator set that models can be lowered to. */
const oldest = 7;

function chooseOpset(model: Model, wished: number | undefined): number {
  const needed = neededOpset(model);
  if (wished === undefined) return needed;
  if (wished >= needed && wished <= pinnedOpset) return wished;
  let stored = oldest;
  for (const graph of allGraphs(model.graph))
    for (const { quantization } of graph.constants)
      if (quantization !== null) stored = Math.max(stored, opsetOf(quantization));
  if (wished >= stored && wished < needed) return wished;
  throw new UnsupportedError(
    `the model can't be written in opset ${wished}: it needs ${stored}..${pinnedOpset}`,
    {
      code: 'E_ONNX_OPSET',
      where: 'onnx: model',
      hint: `choose an opset of at least ${stored}, or leave it out`,
    },
  );
}

export interface Writing {
  opset: number;
  /** Whether nodes have to be said in an older operator set than theirs. */
  lowering: boolean;
  /** What became of them. */
  onLowered(node: LoweredNode): void;
  fresh(base: string): string;
  short(prefix: string): string;
  /** Whether attributes that were read without a type get theirs. */
  typed: boolean;
  /** Moves a large tensor to the external file, if there is one. */
  place(tensor: TensorProto): TensorProto;
}

function writeGraph(graph: Graph, writing: Writing): GraphProto {
  const record = graphRecord(graph);
  const body = (inner: Graph): GraphProto => writeGraph(inner, writing);
  const before = dequantizers(graph, writing);
  const nodes: NodeProto[] = [];
  const made: TensorProto[] = [];
  const used = new Set<Value>();
  const done = new Set<Node>();
  for (const node of graph.nodes) {
    for (const part of before.get(node) ?? []) {
      nodes.push(...part.nodes);
      made.push(...part.tensors);
    }
    if (done.has(node)) continue;
    const written: Written = writeNode(node, writing, body);
    for (const covered of written.covered) done.add(covered);
    for (const value of written.synthetic) used.add(value);
    nodes.push(...written.nodes);
    made.push(...written.tensors);
  }
  for (const part of before.get(graph) ?? []) {
    nodes.push(...part.nodes);
    made.push(...part.tensors);
  }

  const proto: GraphProto = { ...record, name: graph.name };
  if (graph.name === '' && record.name === undefined) delete proto.name;
  setList(proto, 'node', nodes);
  const held = [...graph.constants].filter(
    (value) => value.quantization === null && (!isSynthetic(value) || used.has(value)),
  );
  const sparse = held.filter(({ constant }) => isSparse(constant?.origin));
  const dense = held.filter(({ constant }) => !isSparse(constant?.origin));
  const tensors = [...dense.map(({ name, constant }) => writeTensor(name, constant!)), ...made];
  setList(proto, 'initializer', tensors.map(writing.place));
  setList(
    proto,
    'sparseInitializer',
    sparse.map(({ constant }) => constant?.origin as object),
  );
  setList(proto, 'input', graph.inputs.map(writeInfo));
  setList(
    proto,
    'output',
    graph.outputs.map((value, index) => {
      const declared = record.output?.[index];
      const holds = declared !== undefined && canBe(readType(declared.type), value.type);
      return holds ? { ...declared, name: value.name } : writeInfo(value);
    }),
  );
  if (record.valueInfo !== undefined) proto.valueInfo = stillThere(record.valueInfo, graph);
  return proto;
}

/** Whether what a file declares of a value may still be right. */
function canBe(declared: ValueType | null, now: ValueType | null): boolean {
  if (declared?.kind !== 'tensor' || now?.kind !== 'tensor') return true;
  const [a, b] = [declared.shape, now.shape];
  if (a === null || b === null) return true;
  return a.length === b.length && a.every((dim, axis) => !differentDims(dim, b[axis]!));
}

/** An empty list is left out unless the record had it. */
function setList<K extends keyof GraphProto>(
  proto: GraphProto,
  key: K,
  list: NonNullable<GraphProto[K]> & unknown[],
): void {
  if (list.length > 0 || proto[key] !== undefined) proto[key] = list;
  if (list.length === 0 && (proto[key] as unknown[] | undefined)?.length === 0) delete proto[key];
}

function writeInfo(value: Value): ValueInfoProto {
  const record = infoRecord(value);
  return record === null ? makeValueInfo(value.name, value.type) : { ...record, name: value.name };
}

/** Declarations of values that the graph still has. */
function stillThere(infos: readonly ValueInfoProto[], graph: Graph): ValueInfoProto[] {
  const names = new Set<string>();
  for (const node of graph.nodes) for (const { name } of node.outputs) names.add(name);
  for (const { name } of graph.inputs) names.add(name);
  for (const { name } of graph.constants) names.add(name);
  const read = new Set((graphRecord(graph).node ?? []).flatMap(({ output }) => output ?? []));
  return infos.filter(({ name = '' }) => names.has(name) || !read.has(name));
}

/** Quantized constants become values just before their first use, so that one at a time is in memory.
 *  The key is that node, or the graph where an output is the first use. */
function dequantizers(graph: Graph, { short }: Writing): Map<Node | Graph, Dequantized[]> {
  const result = new Map<Node | Graph, Dequantized[]>();
  const quantized = [...graph.constants].filter((value) => value.quantization !== null);
  if (quantized.length === 0) return result;
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  for (const value of quantized) {
    if (value.constant === null || value.quantization === null || value.uses.size === 0) continue;
    let first: Node | null = null;
    for (const { user } of value.uses) {
      const at = userIn(user, graph);
      if (at !== null && (first === null || (order.get(at) ?? 0) < (order.get(first) ?? 0)))
        first = at;
    }
    const part = dequantize(value, value.constant, value.quantization, short);
    const key = first ?? graph;
    const list = result.get(key);
    if (list === undefined) result.set(key, [part]);
    else list.push(part);
  }
  return result;
}

/** The node of `graph` that a use is in, bodies included. */
function userIn(user: Node | Graph, graph: Graph): Node | null {
  let node: Node | null = user instanceof Graph ? (user === graph ? null : user.owner) : user;
  while (node !== null && node.graph !== graph) node = node.graph.owner;
  return node?.origin?.nodes[0] ?? node;
}
