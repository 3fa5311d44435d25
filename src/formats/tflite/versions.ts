import type { ModelRecord, OperatorCodeRecord, OperatorRecord, TensorRecord } from './records.ts';
import { builtinOperators, tensorTypes } from './schema-table.ts';

/** Which version of an operator its operands need. A row names operators and its rules in order, `version conditions`;
 *  the first rule whose conditions all hold counts, and without one it is version 1. Conditions:
 *
 *      0=int8|uint8   type of input 0          >0=int16   of output 0
 *      rank>4         rank of input 0          rank!4     it is another
 *      .halfPixel     an option that is set    a word: see `conditions` below
 *
 *  Source: LiteRT's tflite/converter/tools/versioning/op_version.cc and op_signature.cc. Where these look at a second
 *  output that a convolution never has, the first one is meant. */
const table = `
CONV_2D: 8 0=int16 1=int8 >0=int16 .quantizedBiasType; 6 grouped; 4 0=int16 1=int16 >0=int16; 3 0=int8 1=int8 >0=int8; 7 0=int8 1=int4 >0=int8; 5 hybrid filters; 2 hybrid
DEPTHWISE_CONV_2D: 5 0=int16 1=int16 >0=int16; 6 hybrid channels; 4 hybrid; 3 0=int8 1=int8 >0=int8; 7 0=int8 1=int4 >0=int8; 2 dilated
EMBEDDING_LOOKUP: 4 1=int4; 4 rows; 5 1=int2
FAKE_QUANT: 2 .narrowRange
FULLY_CONNECTED: 14 1=int2; 13 0=int16 1=int4 >0=int16; 12 hybrid filters; 11 0=int16 1=int8 >0=int16 .quantizedBiasType; 8 sparse; 7 0=int16 1=int16 >0=int16; 6 pair; 5 .keepNumDims; 4 0=int8 1=int8 >0=int8; 10 0=int8 1=int4 >0=int8; 9 hybrid .asymmetricQuantizeInputs; 3 hybrid; 2 .weightsFormat
GATHER: 8 0=float8; 7 0=int4; 6 1=int16; 5 .batchDims; 4 0=int16; 3 0=bool; 2 0=int8
SVDF: 3 0=int8; 4 hybrid .asymmetricQuantizeInputs; 2 hybrid
SIGN: 2 0=int32
SIN COS: 2 0=float16
MUL: 8 0=float16; 7 0=int16 notQuantizedPair; 7 0=uint32; 6 0=complex64; 5 0=int64; 4 0=int16; 3 rescaled; 2 0=int8
MAX_POOL_2D AVERAGE_POOL_2D TANH LOGISTIC: 3 0=int16 >0=int16; 2 0=int8
TRANSPOSE: 9 0=float16; 8 rank>6; 8 0=bfloat16; 7 0=int4; 6 rank>5; 5 0=int16; 4 rank>4; 3 0=bool; 2 0=int8
TRANSPOSE_CONV: 5 0=int16 1=int8 >0=int16 .quantizedBiasType; 4 .fusedActivationFunction; 3 biased; 2 1=int8
LSTM: 5 full 0=int16 2=int8 >0=int16; 4 full 0=float32 2=int8 >0=float32 .asymmetricQuantizeInputs; 3 full 0=float32 2=int8 >0=float32; 2 .kernelType
SPLIT: 5 1=float8; 4 1=int16; 3 1=int32; 2 1=int8
SPARSE_TO_DENSE: 3 2=int8|uint8; 2 2=int64
SLICE: 8 0=float16; 7 0=int4; 6 0=uint32; 5 rank>4; 4 0=int16; 3 0=string; 2 0=int8
UNPACK: 6 0=float8; 2 0=int8|uint8; 3 0=bool; 4 0=int16 >0=int16; 5 0=float16|bfloat16
DEQUANTIZE: 9 0=float8; 8 0=uint4; 7 0=int2; 6 0=int4; 3 0=int16|float16; 5 0=int8 axisOfInput; 2 0=int8
QUANTIZE: 5 0=uint4; 5 >0=uint4; 4 0=int4; 4 >0=int4; 3 axisOfOutput; 2 >0=int16
FLOOR_DIV: 3 0=int16|int8; 2 0=float32
FLOOR_MOD: 2 0=int16|int8
L2_NORMALIZATION: 2 >0=int8
ABS: 5 0=int32; 3 0=int16 quantized; 4 0=int16; 2 0=int8|uint8
RELU: 3 0=int16; 2 0=int8|uint8
STRIDED_SLICE: 8 .offset; 7 0=uint32; 6 .ellipsisMask; 6 .newAxisMask; 5 0=string; 4 rank>4; 3 0=bool; 2 0=int8
REVERSE_V2: 4 0=float8; 3 0=int8; 2 0=bool
RESIZE_BILINEAR: 4 0=int16; 3 .halfPixelCenters; 2 0=int8
RESIZE_NEAREST_NEIGHBOR: 4 0=int16; 3 .halfPixelCenters; 3 .alignCorners; 2 0=int8
MAXIMUM MINIMUM: 4 0=int16 >0=int16; 3 wide; 2 0=int8
PACK: 5 0=float8; 2 0=int8; 3 0=int16 >0=int16; 4 0=uint32
TILE: 3 0=int8; 2 0=string
SQUEEZE: 2 0=string
SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND: 4 0=int16; 3 rank!4; 2 0=int8
ADD: 6 0=float16; 5 0=int16 notQuantized; 4 0=int64; 3 0=int16 >0=int16 anyScale; 2 0=int8
SUB: 5 0=int16 >0=int16 anyScale; 4 0=int64; 3 wide; 2 0=int8
GATHER_ND: 6 0=float8; 5 0=bool; 4 1=int16; 3 0=int16; 2 0=string
DIV: 2 wide
FILL: 5 1=float8; 4 1=float16; 3 1=int8|int16; 2 1=bool|string
EQUAL: 5 0=int16; 3 0=string; 2 0=int8
NOT_EQUAL: 4 0=int16; 3 0=string; 2 0=int8
LEAKY_RELU: 2 0=int16
RANGE: 2 0=int64
BATCH_MATMUL: 3 0=int16; 2 0=int8; 4 hybrid .asymmetricQuantizeInputs
PAD PADV2: 6 0=float8; 5 0=bool; 4 rank>4; 3 0=int16; 2 0=int8
CONCATENATION: 7 0=float8; 6 0=float16; 5 0=int4; 4 0=uint32; 3 0=int16; 2 0=int8
SOFTMAX: 4 0=float16; 3 0=int16; 2 0=int8
MEAN MIRROR_PAD REDUCE_MAX REDUCE_MIN RELU6 RSQRT LESS GREATER_EQUAL: 3 0=int16; 2 0=int8
RNN UNIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_RNN BIDIRECTIONAL_SEQUENCE_LSTM: 3 1=int8 >0=float32 .asymmetricQuantizeInputs; 2 1=int8 >0=float32
UNIDIRECTIONAL_SEQUENCE_LSTM: 5 0=int16 2=int8 >0=int16; 4 .diagonalRecurrentTensors; 3 0=float32 2=int8 >0=float32 .asymmetricQuantizeInputs; 2 0=float32 2=int8 >0=float32
ARG_MAX ARG_MIN: 3 0=bool; 2 0=int8
SELECT: 4 0=uint32; 3 anyOfRank5; 2 0=int8
SELECT_V2: 2 0=uint32
SPLIT_V: 3 0=float8; 2 0=int8
SPACE_TO_DEPTH SUM LOG_SOFTMAX GREATER LESS_EQUAL SQUARED_DIFFERENCE DEPTH_TO_SPACE: 2 0=int8
TOPK_V2: 3 0=int16; 3 1=int16; 3 >1=int16; 2 0=int8
EXP LOG REDUCE_PROD SQRT: 2 0=int8|int16
DYNAMIC_UPDATE_SLICE: 6 0=bfloat16; 5 0=int4; 4 0=int16; 3 0=float16; 2 2=int64
BROADCAST_TO: 4 0=float8; 3 0=int8|int16; 2
CAST: 9 0=float8; 9 >0=float8; 8 0=int2|uint4; 8 >0=int2|uint4; 7 0=bfloat16; 7 >0=bfloat16; 6 0=int4 >0=float32; 5 0=float64|float16; 5 >0=float64|float16; 4 0=uint16; 4 >0=uint16; 3 0=int8; 3 >0=int8; 2 0=uint32; 2 >0=uint32
WHERE: 1 0=bool; 2
GELU: 3 0=float16; 2 0=int8|uint8
`;

/** What decides the version of an operator. */
export interface OperatorFacts {
  /** Name of the builtin, such as `CONV_2D`. */
  readonly operator: string;
  /** null for an input that is left out. */
  readonly inputs: readonly (TensorRecord | null)[];
  readonly outputs: readonly TensorRecord[];
  /** The record of its options, without a union around it. */
  readonly options?: object;
}

type Condition = (facts: OperatorFacts) => boolean;

interface Rule {
  readonly version: number;
  readonly conditions: readonly Condition[];
}

const noOptions: object = {};

function optionOf({ options = noOptions }: OperatorFacts, name: string): unknown {
  return (options as Record<string, unknown>)[name];
}

function shapeOf(tensor: TensorRecord | null | undefined): readonly number[] {
  return [...(tensor?.shape ?? [])];
}

function scalesOf(tensor: TensorRecord | null | undefined): number {
  return tensor?.quantization?.scale?.length ?? 0;
}

/** Whether a tensor has one scale for each place of a dimension. */
function isAlong(tensor: TensorRecord | null | undefined, dimension: number): boolean {
  const size = shapeOf(tensor).at(dimension);
  return size !== undefined && size > 0 && scalesOf(tensor) === size;
}

function isPerAxis(tensor: TensorRecord | null | undefined): boolean {
  return scalesOf(tensor) > 1 && isAlong(tensor, tensor?.quantization?.quantizedDimension ?? 0);
}

function typeOf(tensor: TensorRecord | null | undefined): string {
  if (tensor === null || tensor === undefined) return '';
  const name = tensorTypes[tensor.type ?? 0]?.toLowerCase() ?? '';
  return name.startsWith('float8') ? 'float8' : name;
}

const conditions: Readonly<Record<string, Condition>> = {
  /** Real values times 8-bit weights. */
  hybrid: ({ inputs, outputs }) =>
    typeOf(inputs[0]) === 'float32' &&
    typeOf(inputs[1]) === 'int8' &&
    typeOf(outputs[0]) === 'float32',
  grouped: ({ inputs: [x, filter] }) =>
    shapeOf(x).length > 0 && shapeOf(x)[3] !== shapeOf(filter)[3],
  filters: ({ inputs }) => isAlong(inputs[1], 0),
  channels: ({ inputs }) => isAlong(inputs[1], 3),
  rows: ({ inputs }) => scalesOf(inputs[1]) > 1 && isAlong(inputs[1], 0),
  axisOfInput: ({ inputs }) => isPerAxis(inputs[0]),
  axisOfOutput: ({ outputs }) => isPerAxis(outputs[0]),
  sparse: ({ inputs }) => inputs[1]?.sparsity !== undefined,
  dilated: (facts) =>
    (optionOf(facts, 'dilationWFactor') ?? 1) !== 1 ||
    (optionOf(facts, 'dilationHFactor') ?? 1) !== 1,
  pair: ({ inputs }) => inputs.length === 2,
  biased: ({ inputs }) => inputs.length === 4 && inputs[3] !== null,
  full: (facts) => !optionOf(facts, 'kernelType'),
  quantized: ({ inputs }) => inputs[0]?.quantization !== undefined,
  notQuantized: ({ inputs }) => inputs[0]?.quantization === undefined,
  notQuantizedPair: ({ inputs }) =>
    inputs.length >= 2 && inputs.slice(0, 2).every((input) => input?.quantization === undefined),
  /** Scales of 16-bit sums that need not be powers of two. */
  anyScale: (facts) => optionOf(facts, 'potScaleInt16') === false,
  /** The product of the inputs' scales is at least the output's. */
  rescaled({ inputs, outputs }) {
    const [a, b, out] = [inputs[0], inputs[1], outputs[0]].map(
      (tensor) => tensor?.quantization?.scale?.[0] ?? 0,
    );
    const product = Math.fround(a! * b!);
    return a !== 0 && b !== 0 && out !== 0 && Math.fround(product / out!) >= 1;
  },
  /** Broadcast in more than four dimensions. */
  wide({ inputs }) {
    const shapes = inputs.map(shapeOf);
    if (shapes.length < 2 || shapes[0]!.join() === shapes[1]!.join()) return false;
    return shapes.some(({ length }) => length > 4);
  },
  anyOfRank5: ({ inputs }) => inputs.slice(0, 3).some((input) => shapeOf(input).length === 5),
};

function conditionOf(word: string): Condition {
  const types = /^(>?)(\d)=(.+)$/.exec(word);
  if (types !== null) {
    const [, output, place, names] = types;
    const allowed = names!.split('|');
    const index = Number(place);
    return output === '>'
      ? ({ outputs }) => allowed.includes(typeOf(outputs[index]))
      : ({ inputs }) => allowed.includes(typeOf(inputs[index]));
  }
  const rank = /^rank([>!])(\d)$/.exec(word);
  if (rank !== null) {
    const number = Number(rank[2]);
    return rank[1] === '>'
      ? ({ inputs }) => shapeOf(inputs[0]).length > number
      : ({ inputs }) => shapeOf(inputs[0]).length !== number;
  }
  if (word.startsWith('.')) return (facts) => Boolean(optionOf(facts, word.slice(1)));
  return conditions[word]!;
}

let parsed: ReadonlyMap<string, readonly Rule[]> | null = null;

function parse(): ReadonlyMap<string, readonly Rule[]> {
  const rules = new Map<string, readonly Rule[]>();
  for (const line of table.trim().split('\n')) {
    const [names, text] = line.split(': ');
    const list = text!.split('; ').map((rule) => {
      const [version, ...words] = rule.split(' ');
      return { version: Number(version), conditions: words.map(conditionOf) };
    });
    for (const name of names!.split(' ')) rules.set(name, list);
  }
  return rules;
}

/** The version of a builtin operator that its operands and options need, by the rules of the reference converter.
 *  Custom operators, and those that never changed, have version 1. */
export function operatorVersion(facts: OperatorFacts): number {
  parsed ??= parse();
  const rules = parsed.get(facts.operator) ?? [];
  const rule = rules.find(({ conditions: all }) => all.every((holds) => holds(facts)));
  return rule?.version ?? 1;
}

/** A copy of a model's records in which every operator has the version that it needs, and never a lower one than it
 *  has: operators of one kind in two versions have two operator codes. Codes that nothing uses stay. */
export function withVersions(model: ModelRecord): ModelRecord {
  const codes: OperatorCodeRecord[] = [...(model.operatorCodes ?? [])];
  const places = new Map<string, number>();
  const taken = new Set<number>();
  const subgraphs = model.subgraphs?.map((subgraph) => {
    const operators = subgraph.operators?.map((operator): OperatorRecord => {
      const index = operator.opcodeIndex ?? 0;
      const code = codes[index];
      if (code === undefined) return operator;
      const needed = operatorVersion(factsOf(operator, subgraph.tensors ?? [], code));
      const version = Math.max(needed, code.version ?? 1);
      const key = `${index} ${version}`;
      let place = places.get(key);
      if (place === undefined) {
        // The first version that is needed takes the code's place.
        place = taken.has(index) ? codes.length : index;
        places.set(key, place);
        taken.add(place);
        if (version !== (code.version ?? 1) || place !== index) codes[place] = { ...code, version };
      }
      return place === index ? operator : { ...operator, opcodeIndex: place };
    });
    return operators === undefined ? subgraph : { ...subgraph, operators };
  });
  return {
    ...model,
    ...(model.operatorCodes === undefined ? {} : { operatorCodes: codes }),
    ...(subgraphs === undefined ? {} : { subgraphs }),
  };
}

/** What decides an operator's version, from its records. */
export function factsOf(
  operator: OperatorRecord,
  tensors: readonly TensorRecord[],
  { builtinCode = 0, deprecatedBuiltinCode = 0 }: OperatorCodeRecord,
): OperatorFacts {
  const options = operator.builtinOptions?.value ?? operator.builtinOptions2?.value;
  return {
    operator: builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)] ?? '',
    inputs: [...(operator.inputs ?? [])].map((index) => tensors[index] ?? null),
    outputs: [...(operator.outputs ?? [])].map((index) => tensors[index] ?? {}),
    ...(options === undefined ? {} : { options }),
  };
}
