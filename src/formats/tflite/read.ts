import { FormatError } from '../../core/errors.ts';
import { Budget, resolveLimits } from '../../core/limits.ts';
import { type ByteSource, bufferSource } from '../../core/source.ts';
import { Builder } from '../../ir/build.ts';
import { Graph } from '../../ir/graph.ts';
import { Model } from '../../ir/model.ts';
import type { ReadOptions } from '../format.ts';
import { ReadingTypes } from '../reading-types.ts';
import { openTflite } from './codec.ts';
import { type GraphOrigin, type ModelOrigin, valueOrigin } from './origin.ts';
import { GraphReader } from './read/graph-reader.ts';
import type { Reading } from './read/reading.ts';
import type { ModelRecord } from './records.ts';
import { minimumRelease } from './releases.ts';
import { verifyTflite } from './verify.ts';

/** The operator set that a TFLite model is written in as ONNX, unless something in it needs a later one: the first
 *  with 4-bit integers and blocks. */
const onnxOpset = 21;

/** Reads a model: its first subgraph, or that of the wished signature. Operators become nodes with ONNX's semantics
 *  (channels-last ones of domain `mp`); those without an equivalent stay as nodes of domain `tflite`.
 *  @throws {FormatError | UnsupportedError | LimitError} */
export async function readTflite(source: ByteSource, options: ReadOptions): Promise<Model> {
  const limits = resolveLimits(options.limits, source.size);
  const file = await openTflite(source, { limits, external: options.external });
  const { record, buffers, external, unknown } = file;
  await verifyTflite(file, limits);
  const subgraph = subgraphOf(record, options.signature);
  const reading: Reading = {
    record,
    limits,
    types: new ReadingTypes(),
    names: new Set(),
    buffers: await Promise.all(buffers.map(small)),
    external,
    notes: unknown.map(
      ({ table, slot, count }) =>
        `${count} × a field of a newer schema is left out: ${table}, place ${slot}`,
    ),
    nodes: new Budget('nodes', limits),
    tensors: new Budget('tensors', limits),
    variables: new Map(),
    states: [],
  };
  const found = record.subgraphs?.[subgraph];
  const graph = new Graph(found?.name ?? 'main');
  const reader = new GraphReader(reading, new Builder(graph), subgraph);
  reader.makeInputs();
  reader.readOperators();
  reader.makeOutputs();
  graph.origin = { record: reader.record, index: subgraph } satisfies GraphOrigin;
  const model = new Model(graph);
  model.format = 'tflite';
  model.sourceBytes = source.size + [...external.values()].reduce((sum, { size }) => sum + size, 0);
  model.origin = {
    record,
    subgraph,
    buffers: reading.buffers,
  } satisfies ModelOrigin;
  model.about.push(...described(record, subgraph));
  model.notes.push(...reading.notes);
  model.opsets.set('', onnxOpset);
  model.states.push(...reading.states);
  nameBySignature(model, record, options.signature);
  return model;
}

/** What is in the file besides the graph that is read. */
function described(record: ModelRecord, subgraph: number): string[] {
  const { subgraphs = [], signatureDefs = [] } = record;
  const release = minimumRelease(record);
  const about = release === null ? [] : [`runs from TensorFlow Lite ${release} on`];
  if (subgraphs.length > 1)
    about.push(`subgraph ${subgraph} of ${subgraphs.length}: ${subgraphs[subgraph]?.name ?? ''}`);
  if (signatureDefs.length > 0) {
    const names = signatureDefs.map(({ signatureKey = '' }) => signatureKey);
    about.push(`signatures: ${names.join(', ')}`);
  }
  return about;
}

/** Inputs and outputs may also be called what the wished signature calls them. */
function nameBySignature(model: Model, record: ModelRecord, signature?: string): void {
  const found = record.signatureDefs?.find(({ signatureKey }) => signatureKey === signature);
  if (signature === undefined || found === undefined) return;
  for (const kind of ['inputs', 'outputs'] as const) {
    for (const { name, tensorIndex = 0 } of found[kind] ?? []) {
      const value = model.graph[kind].find((each) => valueOrigin(each)?.tensor === tensorIndex);
      if (name !== undefined && value !== undefined) model.aliases[kind].set(name, value.name);
    }
  }
}

/** Buffers of up to this many bytes are had without waiting: sizes, axes and scales are among them. */
const smallBytes = 2 ** 16;

async function small(buffer: ByteSource): Promise<ByteSource> {
  if (buffer.size === 0 || buffer.size > smallBytes) return buffer;
  const bytes = buffer.read(0, buffer.size);
  return bytes instanceof Uint8Array ? buffer : bufferSource(await bytes);
}

/** @throws {FormatError} there is no such signature, or no subgraph */
function subgraphOf({ subgraphs, signatureDefs = [] }: ModelRecord, signature?: string): number {
  if (subgraphs === undefined || subgraphs.length === 0) {
    throw new FormatError('the model has no subgraph', {
      code: 'E_TFLITE_NO_GRAPH',
      where: 'tflite: model',
    });
  }
  if (signature === undefined) return 0;
  const found = signatureDefs.find(({ signatureKey }) => signatureKey === signature);
  if (found !== undefined) return found.subgraphIndex ?? 0;
  const known = signatureDefs.map(({ signatureKey }) => signatureKey ?? '').join(', ');
  throw new FormatError(`there is no signature "${signature}"`, {
    code: 'E_TFLITE_SIGNATURE',
    where: 'tflite: model',
    hint: known === '' ? 'the model has no signatures' : `its signatures: ${known}`,
  });
}
