import { UnsupportedError } from '../../../core/errors.ts';
import type { Value } from '../../../ir/graph.ts';
import type { ModelOrigin } from '../origin.ts';
import type {
  BuiltinOptions,
  ModelRecord,
  OperatorRecord,
  SignatureDefRecord,
  SubGraphRecord,
  TensorMapRecord,
  TensorRecord,
} from '../records.ts';
import { minimumRelease } from '../releases.ts';
import type { FileTables } from './file.ts';

/** What a file has around its main graph: signatures, metadata, subgraphs that the graph does not use. */

const releaseName = 'min_runtime_version';

/** The main graph's signatures: those that it was read with, else one that names its inputs and outputs. */
export function addSignatures(
  file: FileTables,
  origin: ModelOrigin | null,
  inputs: readonly Value[],
  outputs: readonly Value[],
): void {
  const record = file.subgraphs[0]!;
  const known = origin === null ? [] : signaturesAsRead(origin, record);
  if (known.length > 0) {
    file.signatures.push(...known);
    return;
  }
  const maps = (indices: Int32Array | undefined, values: readonly Value[]): TensorMapRecord[] =>
    values.map(({ name }, i) => ({ name, tensorIndex: indices![i]! }));
  file.signatures.push({
    signatureKey: 'serving_default',
    subgraphIndex: 0,
    inputs: maps(record.inputs, inputs),
    outputs: maps(record.outputs, outputs),
  });
}

/** Signatures of the graph as it was, by the places of its inputs and outputs; none where these are others now. */
function signaturesAsRead(origin: ModelOrigin, record: SubGraphRecord): SignatureDefRecord[] {
  const before = origin.record.subgraphs?.[origin.subgraph];
  const isAlike =
    before?.inputs?.length === record.inputs?.length &&
    before?.outputs?.length === record.outputs?.length;
  if (!isAlike) return [];
  const moved = (
    maps: readonly TensorMapRecord[] | undefined,
    from: Int32Array | undefined,
    to: Int32Array | undefined,
  ): TensorMapRecord[] =>
    (maps ?? []).flatMap((map) => {
      const at = from?.indexOf(map.tensorIndex ?? 0) ?? -1;
      return at < 0 ? [] : [{ ...map, tensorIndex: to![at]! }];
    });
  const own = (origin.record.signatureDefs ?? []).filter(
    ({ subgraphIndex = 0 }) => subgraphIndex === origin.subgraph,
  );
  return own.map((signature) => ({
    ...signature,
    subgraphIndex: 0,
    inputs: moved(signature.inputs, before?.inputs, record.inputs),
    outputs: moved(signature.outputs, before?.outputs, record.outputs),
  }));
}

/** Metadata, and the subgraphs of other signatures, of the file that a model was read from. */
export function addRest(file: FileTables, origin: ModelOrigin): void {
  const { record, subgraph } = origin;
  for (const { name = '', buffer = 0 } of record.metadata ?? []) {
    const data = contentOf(origin, buffer);
    if (name === releaseName || data === undefined) continue;
    file.metadata.push({ name, buffer: file.bufferOf(data) });
  }
  const copies = new Map<number, number>();
  for (const signature of record.signatureDefs ?? []) {
    const { subgraphIndex = 0 } = signature;
    if (subgraphIndex === subgraph) continue;
    const index = copySubgraph(file, origin, subgraphIndex, copies);
    file.signatures.push({ ...signature, subgraphIndex: index });
  }
}

function copySubgraph(
  file: FileTables,
  origin: ModelOrigin,
  from: number,
  copies: Map<number, number>,
): number {
  const known = copies.get(from);
  if (known !== undefined) return known;
  const to = file.subgraphs.push({}) - 1;
  copies.set(from, to);
  const { record } = origin;
  const { tensors = [], operators = [], ...rest } = record.subgraphs?.[from] ?? {};
  file.subgraphs[to] = {
    ...rest,
    tensors: tensors.map((tensor) => ({ ...tensor, buffer: copyBuffer(file, origin, tensor) })),
    operators: operators.map((operator) => {
      const code = record.operatorCodes![operator.opcodeIndex ?? 0]!;
      const moved = withSubgraphs(operator, (index) => copySubgraph(file, origin, index, copies));
      return { ...moved, opcodeIndex: file.codeLike(code) };
    }),
  };
  return to;
}

function copyBuffer(file: FileTables, origin: ModelOrigin, tensor: TensorRecord): number {
  const { buffer = 0, externalBuffer = 0 } = tensor;
  if (externalBuffer > 0) throw outside(`tensor "${tensor.name ?? ''}"`);
  const data = contentOf(origin, buffer);
  return data === undefined ? 0 : file.bufferOf(data);
}

/** What a buffer of the file holds; undefined for nothing.
 *  @throws {UnsupportedError} it can't be had without waiting */
function contentOf({ record, buffers }: ModelOrigin, index: number): Uint8Array | undefined {
  const data = record.buffers?.[index]?.data;
  const source = buffers[index];
  if (data !== undefined || source === undefined || source.size === 0) return data;
  const bytes = source.read(0, source.size);
  if (bytes instanceof Uint8Array) return bytes;
  throw outside(`buffers[${index}]`);
}

function outside(where: string): UnsupportedError {
  return new UnsupportedError('a changed file has subgraphs or metadata that are not in memory', {
    code: 'E_TFLITE_OUTSIDE',
    where: `tflite: ${where}`,
    hint: 'read the model from its bytes, or choose one signature and write it as ONNX first',
  });
}

/** Options that name subgraphs, by their new numbers. */
function withSubgraphs(operator: OperatorRecord, moved: (index: number) => number): OperatorRecord {
  const { builtinOptions, builtinOptions2 } = operator;
  const renamed = <T extends { value: object }>(options: T): T => ({
    ...options,
    value: Object.fromEntries(
      Object.entries(options.value).map(([name, value]) => {
        const isSubgraph = /(^s|S)ubgraph(Index)?$/.test(name) && typeof value === 'number';
        return [name, isSubgraph ? moved(value) : value];
      }),
    ),
  });
  return {
    ...operator,
    ...(builtinOptions === undefined
      ? {}
      : { builtinOptions: renamed<BuiltinOptions>(builtinOptions) }),
    ...(builtinOptions2 === undefined ? {} : { builtinOptions2: renamed(builtinOptions2) }),
  };
}

/** Says which release of the runtime is the first to load the file. */
export function withRelease(record: ModelRecord): ModelRecord {
  const release = minimumRelease(record);
  if (release === null) return record;
  const data = new Uint8Array(16);
  data.set(new TextEncoder().encode(release).subarray(0, data.length - 1));
  const buffers = [...(record.buffers ?? []), { data }];
  const metadata = [...(record.metadata ?? []), { name: releaseName, buffer: buffers.length - 1 }];
  return { ...record, buffers, metadata };
}
