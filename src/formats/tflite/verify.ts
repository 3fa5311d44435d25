import { FormatError, LimitError, UnsupportedError } from '../../core/errors.ts';
import { type Limits, resolveLimits } from '../../core/limits.ts';
import type { ByteSource } from '../../core/source.ts';
import type { TfliteFile } from './codec.ts';
import type { ExternalBuffers } from './external.ts';
import type { ModelRecord, OperatorRecord, SubGraphRecord, TensorRecord } from './records.ts';
import { builtinOperators, tensorTypes } from './schema-table.ts';
import { countSparse } from './sparsity.ts';

/** Bits of an element, by number of the type; 0 for what has no size of its own. */
const elementBits = '32 16 32 8 64 0 8 16 64 8 64 128 64 0 0 32 16 4 16 2 4 8 8'
  .split(' ')
  .map(Number);
const stringType = tensorTypes.indexOf('STRING');
/** Element counts are int32 in runtimes. */
const mostElements = 2 ** 31 - 1;

/** Checks a TFLite file beyond its container: every index is in range, sizes of tensors fit their buffers and
 *  don't overflow, each tensor is made at most once and everything that is read is made by something, subgraphs don't call
 *  each other in circles. The order of operators is left to the reader. Linear cost; of buffers only those of
 *  strings are read.
 *  @throws {FormatError} E_TFLITE_…: it is broken; `where` is the path of records
 *  @throws {UnsupportedError} E_TFLITE_TYPE: an element type from the future
 *  @throws {LimitError} more axes or nested subgraphs than the limits allow */
export async function verifyTflite(
  file: Pick<TfliteFile, 'record' | 'buffers'> & Partial<Pick<TfliteFile, 'external'>>,
  limits?: Partial<Limits>,
): Promise<void> {
  const { record, buffers, external = new Map() } = file;
  const verifier = new FileVerifier(record, buffers, external, resolveLimits(limits, 0));
  for (const { source, where } of verifier.run()) {
    const bytes = await source.read(0, source.size);
    checkStrings(bytes, where);
  }
}

class FileVerifier {
  private readonly model: ModelRecord;
  private readonly buffers: readonly ByteSource[];
  private readonly limits: Limits;
  private readonly strings: { source: ByteSource; where: string }[] = [];
  /** Subgraphs that a subgraph's operators call. */
  private readonly calls: number[][] = [];
  private readonly external: ExternalBuffers;
  private readonly externals: ReadonlySet<number>;

  constructor(
    model: ModelRecord,
    buffers: readonly ByteSource[],
    external: ExternalBuffers,
    limits: Limits,
  ) {
    this.model = model;
    this.buffers = buffers;
    this.external = external;
    this.limits = limits;
    this.externals = new Set(model.externalBuffers?.map(({ id = 0 }) => id));
  }

  /** Checks all but strings' contents, and returns the buffers of these. */
  run(): { source: ByteSource; where: string }[] {
    const { version = 0, subgraphs = [], metadata = [], metadataBuffer = [] } = this.model;
    if (version !== 3) {
      throw new UnsupportedError(`version ${version} of TFLite files`, {
        code: 'E_TFLITE_VERSION',
        where: 'Model.version',
      });
    }
    this.checkCodes();
    subgraphs.forEach((subgraph, i) => {
      this.subgraph(subgraph, `Model.subgraphs[${i}]`);
    });
    this.checkCalls();
    this.checkSignatures();
    metadata.forEach(({ buffer = 0 }, i) => {
      inRange(buffer, this.buffers.length, `Model.metadata[${i}].buffer`);
    });
    metadataBuffer.forEach((buffer, i) => {
      inRange(buffer, this.buffers.length, `Model.metadataBuffer[${i}]`);
    });
    const groups = this.model.externalBufferGroups?.length ?? 0;
    this.model.externalBuffers?.forEach(({ group = 0 }, i) => {
      inRange(group, groups, `Model.externalBuffers[${i}].group`);
    });
    return this.strings;
  }

  private checkCodes(): void {
    const custom = builtinOperators.indexOf('CUSTOM');
    this.model.operatorCodes?.forEach((code, i) => {
      const number = Math.max(code.builtinCode ?? 0, code.deprecatedBuiltinCode ?? 0);
      if (number < 0 || (number === custom && code.customCode === undefined))
        throw broken('OPCODE', 'a custom operator without a name', `Model.operatorCodes[${i}]`);
    });
  }

  private subgraph(subgraph: SubGraphRecord, where: string): void {
    const { tensors = [], operators = [], inputs = [], outputs = [] } = subgraph;
    tensors.forEach((tensor, i) => {
      this.tensor(tensor, tensors.length, `${where}.tensors[${i}]`);
    });
    const made = new Uint8Array(tensors.length);
    tensors.forEach((tensor, i) => {
      if (this.isConstant(tensor) || tensor.isVariable === true) made[i] = 1;
    });
    indices(inputs, tensors.length, 0, `${where}.inputs`);
    for (const index of inputs) made[index] = 1;
    indices(outputs, tensors.length, 0, `${where}.outputs`);
    const calls: number[] = [];
    this.calls.push(calls);
    operators.forEach((operator, i) => {
      const here = `${where}.operators[${i}]`;
      this.operator(operator, tensors.length, here);
      for (const index of operator.outputs ?? []) {
        if (index < 0) continue;
        if (made[index] !== 0) throw broken('REDEFINED', `tensor ${index} is made twice`, here);
        made[index] = 1;
      }
      calls.push(...this.calledBy(operator, here));
    });
    operators.forEach((operator, i) => {
      for (const index of operator.inputs ?? [])
        if (index >= 0 && made[index] === 0)
          throw broken('UNDEFINED', `nothing makes tensor ${index}`, `${where}.operators[${i}]`);
    });
  }

  private operator(operator: OperatorRecord, tensors: number, where: string): void {
    const { opcodeIndex = 0, inputs = [], outputs = [], intermediates = [] } = operator;
    inRange(opcodeIndex, this.model.operatorCodes?.length ?? 0, `${where}.opcodeIndex`);
    indices(inputs, tensors, -1, `${where}.inputs`);
    indices(outputs, tensors, -1, `${where}.outputs`);
    indices(intermediates, tensors, -1, `${where}.intermediates`);
    const mutated = operator.mutatingVariableInputs?.length ?? 0;
    if (mutated !== 0 && mutated !== inputs.length)
      throw broken('INPUT', `${mutated} flags of ${inputs.length} inputs`, where);
  }

  private isConstant({ buffer = 0, externalBuffer = 0, shape }: TensorRecord): boolean {
    if (externalBuffer > 0) return true;
    if (buffer === 0) return false;
    // A buffer that is there and empty: of a constant without elements.
    const isThere = this.model.buffers?.[buffer]?.data !== undefined;
    return this.buffers[buffer]!.size > 0 || (isThere && shape?.includes(0) === true);
  }

  private tensor(tensor: TensorRecord, tensors: number, where: string): void {
    const { type = 0, buffer = 0, shape, externalBuffer = 0, quantization } = tensor;
    if (elementBits[type] === undefined) {
      throw new UnsupportedError(`elements of type ${type}`, { code: 'E_TFLITE_TYPE', where });
    }
    if (buffer > 0 || this.buffers.length > 0)
      inRange(buffer, this.buffers.length, `${where}.buffer`);
    if (externalBuffer > 0 && !this.externals.has(externalBuffer))
      throw broken('INDEX', `there is no external buffer ${externalBuffer}`, where);
    const sizes = [...(shape ?? [])];
    if (sizes.length > this.limits.rank)
      throw new LimitError('rank', this.limits.rank, sizes.length, { where });
    const most = sizes.reduce((count, size) => count * Math.max(size, 1), 1);
    if (sizes.some((size) => size < 0) || most > mostElements)
      throw broken('SHAPE', `a tensor of shape [${sizes.join(', ')}]`, where);
    const signature = tensor.shapeSignature?.length ?? 0;
    if (signature !== 0 && signature !== sizes.length)
      throw broken('SHAPE', `a signature of ${signature} axes for ${sizes.length}`, where);
    const details = quantization?.details;
    if (details !== undefined && details.type !== 'CustomQuantization') {
      const { scales = 0, zeroPoints = 0 } = details.value;
      inRange(scales, tensors, `${where}.quantization.details.scales`);
      indices([zeroPoints], tensors, -1, `${where}.quantization.details.zeroPoints`);
    }
    const inside = buffer > 0 ? this.buffers[buffer] : undefined;
    const source = externalBuffer > 0 ? this.external.get(externalBuffer) : inside;
    if (source !== undefined && source.size > 0 && shape !== undefined)
      this.content(tensor, sizes, source, where);
  }

  /** A constant's bytes against its type and sizes. */
  private content(
    tensor: TensorRecord,
    sizes: readonly number[],
    source: ByteSource,
    where: string,
  ): void {
    const bits = elementBits[tensor.type ?? 0]!;
    if (tensor.type === stringType) {
      this.strings.push({ source, where });
      return;
    }
    if (bits === 0) throw broken('TYPE', 'a constant of a type that has no elements', where);
    let count = sizes.reduce((product, size) => product * size, 1);
    if (tensor.sparsity !== undefined) {
      try {
        count = countSparse(tensor.sparsity, sizes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new FormatError(error.message, { code: error.code, where });
      }
    }
    const expected = Math.ceil((count * bits) / 8);
    if (source.size !== expected)
      throw broken('TENSOR_SIZE', `${source.size} bytes of data instead of ${expected}`, where);
  }

  private calledBy(operator: OperatorRecord, where: string): number[] {
    const called: number[] = [];
    const count = this.model.subgraphs!.length;
    for (const union of [operator.builtinOptions, operator.builtinOptions2]) {
      if (union === undefined) continue;
      const fields = Object.entries(callers[union.type] ?? {});
      for (const [field, fallback] of fields) {
        const given = (union.value as Record<string, unknown>)[field] ?? fallback;
        for (const index of typeof given === 'number' ? [given] : (given as Int32Array)) {
          // Without a subgraph: a StableHLO operator that leaves it out.
          if (index === -1 && union.type.startsWith('Stable')) continue;
          inRange(index, count, `${where}.${field}`);
          called.push(index);
        }
      }
    }
    return called;
  }

  private checkCalls(): void {
    const state = new Uint8Array(this.calls.length);
    const visit = (index: number, depth: number): void => {
      const where = `Model.subgraphs[${index}]`;
      if (state[index] === 2) return;
      if (state[index] === 1) throw broken('CYCLE', 'this subgraph calls itself', where);
      if (depth > this.limits.depth)
        throw new LimitError('depth', this.limits.depth, depth, { where });
      state[index] = 1;
      for (const called of this.calls[index]!) visit(called, depth + 1);
      state[index] = 2;
    };
    this.calls.forEach((_, index) => {
      visit(index, 1);
    });
  }

  private checkSignatures(): void {
    const { signatureDefs = [], subgraphs = [] } = this.model;
    signatureDefs.forEach(({ subgraphIndex = 0, inputs = [], outputs = [] }, i) => {
      const where = `Model.signatureDefs[${i}]`;
      inRange(subgraphIndex, subgraphs.length, `${where}.subgraphIndex`);
      const tensors = subgraphs[subgraphIndex]!.tensors?.length ?? 0;
      for (const { tensorIndex = 0 } of [...inputs, ...outputs])
        inRange(tensorIndex, tensors, where);
    });
  }
}

/** Options that name subgraphs: their fields, with what they are where the file leaves them out. */
const callers: Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>> = {
  CallOptions: { subgraph: 0 },
  IfOptions: { thenSubgraphIndex: 0, elseSubgraphIndex: 0 },
  WhileOptions: { condSubgraphIndex: 0, bodySubgraphIndex: 0 },
  CallOnceOptions: { initSubgraphIndex: 0 },
  StablehloReduceOptions: { bodySubgraphIndex: -1 },
  StablehloReduceWindowOptions: { bodySubgraphIndex: -1 },
  StablehloScatterOptions: { updateComputationSubgraphIndex: -1 },
  StablehloSortOptions: { comparatorSubgraphIndex: -1 },
  StablehloWhileOptions: { condSubgraphIndex: -1, bodySubgraphIndex: -1 },
  StablehloCaseOptions: { branchSubgraphIndices: [] },
  StablehloCustomCallOptions: { calledComputations: [] },
  StableHLOCompositeOptions: { decompositionSubgraphIndex: -1 },
};

/** The contents of a tensor of strings: an int32 count n, n + 1 int32 places of where they start and end, their bytes.
 *  @throws {FormatError} E_TFLITE_STRINGS */
function checkStrings(bytes: Uint8Array, where: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length < 4 ? -1 : view.getInt32(0, true);
  const header = 4 * (count + 2);
  if (count < 0 || header > bytes.length)
    throw broken('STRINGS', `${count} strings in ${bytes.length} bytes`, where);
  let before = header;
  for (let i = 0; i <= count; i++) {
    const place = view.getInt32(4 + 4 * i, true);
    if (place < before || place > bytes.length || (i === 0 && place !== header))
      throw broken('STRINGS', `string ${i} starts at ${place}`, where);
    before = place;
  }
}

/** @param least  0, or −1 where one may be left out */
function indices(values: Iterable<number>, count: number, least: number, where: string): void {
  for (const value of values) if (value !== -1 || least === 0) inRange(value, count, where);
}

function inRange(index: number, count: number, where: string): void {
  if (index < 0 || index >= count)
    throw broken('INDEX', `${index} is none of ${count} places`, where);
}

function broken(code: string, message: string, where: string): FormatError {
  return new FormatError(message, { code: `E_TFLITE_${code}`, where });
}
