import { FormatError } from '../../core/errors.ts';
import { type Limits, resolveLimits } from '../../core/limits.ts';
import { type ByteSource, readAll } from '../../core/source.ts';
import { Builder } from '../../ir/build.ts';
import type { Constant } from '../../ir/constant.ts';
import { Graph, linkOutput, type Value } from '../../ir/graph.ts';
import { Model } from '../../ir/model.ts';
import { tensorType } from '../../ir/types.ts';
import type { ReadOptions } from '../format.ts';
import { ReadingTypes } from '../reading-types.ts';
import { decodeModel } from './codec.ts';
import { type ExternalData, openExternal } from './external.ts';
import { inlineFunctions } from './inline-functions.ts';
import { readNode } from './node.ts';
import { topological } from './order.ts';
import { isOwnFunction } from './own-functions.ts';
import type { GraphProto, ModelProto, SparseTensorProto, TensorProto } from './proto.ts';
import type { Reading } from './reading.ts';
import type { GraphRecord, ModelRecord } from './record.ts';
import { schema } from './schema.ts';
import { Scope } from './scope.ts';
import { type DenseTensor, densify } from './sparse.ts';
import { constantOfSparse, readTensor } from './tensor-constant.ts';
import { readType } from './types.ts';
import { messagesOf, tensorsOf } from './walk.ts';

/** Reads a model; weights stay in the source until they are needed.
 *  @throws {FormatError | UnsupportedError | LimitError} */
export async function readOnnx(source: ByteSource, options: ReadOptions): Promise<Model> {
  const limits = resolveLimits(options.limits, source.size);
  const bytes = await readAll(source);
  const proto = decodeModel(bytes, limits);
  if (proto.graph === undefined) {
    throw new FormatError('the model has no graph', {
      code: 'E_ONNX_NO_GRAPH',
      where: 'onnx: model',
      hint: bytes.length === 0 ? 'the file is empty' : 'is this an ONNX file?',
    });
  }
  const external = await openExternal(tensorsOf('GraphProto', proto.graph), options.external);
  const dense = await densifyAll(proto.graph, limits, external);
  const opsets = readOpsets(proto);
  const functions = new Set(
    (proto.functions ?? []).map(({ domain, name }) => `${domain ?? ''}.${name ?? ''}`),
  );
  const reading = { opsets, functions, external, dense, limits, body: readGraph };
  const graph = readGraph(
    proto.graph,
    null,
    { ...reading, types: new ReadingTypes() },
    'onnx: graph',
  );
  const model = new Model(graph);
  model.format = 'onnx';
  model.sourceBytes =
    bytes.length + [...external.values()].reduce((sum, { size }) => sum + size, 0);
  model.origin = { proto } satisfies ModelRecord;
  const called = (proto.functions ?? []).filter((item) => !isOwnFunction(item));
  if (called.length > 0)
    model.inlineCalls = (copy) =>
      inlineFunctions(copy, called, { ...reading, types: new ReadingTypes() });
  for (const [domain, version] of opsets) model.opsets.set(domain, version);
  for (const { key, value } of proto.metadataProps ?? [])
    model.metadata.set(key ?? '', value ?? '');
  return model;
}

async function densifyAll(
  graph: GraphProto,
  limits: Limits,
  external: ExternalData,
): Promise<Map<SparseTensorProto, DenseTensor>> {
  const dense = new Map<SparseTensorProto, DenseTensor>();
  for (const { type, message } of messagesOf('GraphProto', graph)) {
    if (type !== schema.GraphProto) continue;
    for (const sparse of (message as GraphProto).sparseInitializer ?? []) {
      dense.set(sparse, await densify(sparse, limits, external));
    }
  }
  return dense;
}

/** Files older than operator sets (IR version < 3) are of opset 1. */
function readOpsets(proto: ModelProto): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain = '', version } of proto.opsetImport ?? []) {
    if (typeof version !== 'number' || version < 1) {
      throw new FormatError(`version ${version} of operator set "${domain}"`, {
        code: 'E_ONNX_OPSET',
        where: 'onnx: opset_import',
      });
    }
    opsets.set(domain === 'ai.onnx' ? '' : domain, version);
  }
  const irVersion = Number(proto.irVersion ?? 0);
  if (opsets.size === 0) {
    if (irVersion >= 3) {
      throw new FormatError('the model imports no operator set', {
        code: 'E_ONNX_OPSET',
        where: 'onnx: opset_import',
        hint: 'an IR version of 3 or later requires one',
      });
    }
    opsets.set('', 1);
  }
  return opsets;
}

/** Reads a graph; a body gets the scope of the graph around it. */
export function readGraph(
  proto: GraphProto,
  parent: Scope | null,
  reading: Reading,
  where: string,
): Graph {
  const graph = new Graph(proto.name ?? '');
  graph.origin = { proto } satisfies GraphRecord;
  const scope = new Scope(parent);
  const builder = new Builder(graph);

  const define = (name: string, value: Value, place: string): void => {
    if (name === '' || !scope.define(name, value)) throw redefined(name, `${where} ${place}`);
  };
  (proto.input ?? []).forEach((info, index) => {
    const value = builder.input(info.name ?? '', readType(info.type));
    value.origin = info;
    define(value.name, value, `input[${index}]`);
  });
  const hold = (name: string, constant: Constant, place: string): void => {
    const input = scope.own(name);
    if (input === undefined) {
      define(name, builder.constant(name, constant), place);
    } else if (input.constant !== null) {
      throw redefined(name, `${where} ${place}`);
    } else {
      input.constant = constant;
      input.type = tensorType(constant.dtype, constant.shape);
      graph.constants.add(input);
    }
  };
  (proto.initializer ?? []).forEach((tensor: TensorProto, index) => {
    const place = `initializer[${index}] "${tensor.name ?? ''}"`;
    hold(tensor.name ?? '', readTensor(tensor, reading, `${where} ${place}`), place);
  });
  (proto.sparseInitializer ?? []).forEach((sparse: SparseTensorProto, index) => {
    const place = `sparse_initializer[${index}] "${sparse.values?.name ?? ''}"`;
    const dense = reading.dense.get(sparse);
    if (dense !== undefined)
      hold(sparse.values?.name ?? '', constantOfSparse(dense, sparse), place);
  });

  const declared = new Map((proto.valueInfo ?? []).map((info) => [info.name ?? '', info]));
  for (const info of proto.output ?? []) declared.set(info.name ?? '', info);
  const nodes = topological(proto.node ?? [], (name) => scope.own(name) !== undefined, where);
  nodes.forEach((node, index) => {
    const place = `node[${index}] "${node.name ?? ''}" (${node.opType ?? '?'})`;
    const outputs = readNode(node, builder, scope, declared, reading, `${where}.${place}`);
    for (const value of outputs) if (value.name !== '') define(value.name, value, place);
  });

  (proto.output ?? []).forEach((info, index) => {
    const name = info.name ?? '';
    const value = scope.find(name);
    if (value === undefined) {
      throw new FormatError(`nothing makes the output "${name}"`, {
        code: 'E_ONNX_UNDEFINED',
        where: `${where} output[${index}]`,
      });
    }
    linkOutput(graph, index, value);
  });
  return graph;
}

function redefined(name: string, where: string): FormatError {
  if (name === '') return new FormatError('a value without a name', { code: 'E_ONNX_NAME', where });
  return new FormatError(`"${name}" is defined twice`, { code: 'E_ONNX_REDEFINED', where });
}
