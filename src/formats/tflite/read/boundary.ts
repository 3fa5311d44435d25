import { Value } from '../../../ir/graph.ts';
import { type Quantization, tensorType } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import type { ValueOrigin } from '../origin.ts';
import type { GraphReader } from './graph-reader.ts';
import { isQuantized, parametersOf } from './quantization.ts';
import type { Variable } from './reading.ts';
import { interfaceType } from './tensor.ts';

/** Where values enter and leave the main graph: integers outside, reals inside. */

/** The input as it is in the file, and what operators read. */
export function makeInput(reader: GraphReader, index: number): [Value, Value] {
  const tensor = reader.tensor(index);
  const name = freshName(reader.reading.names, tensor.name || `input_${index}`);
  const type = interfaceType(tensor, reader.reading.names);
  const input = reader.builder.input(name, type);
  input.origin = reader.originOf(index);
  if (!isQuantized(tensor)) return [input, input];
  const real = reader.made(index, `${name}_real`);
  if (type.kind === 'tensor') real.type = tensorType('float32', type.shape);
  const node = reader.builder.node(
    { op: 'DequantizeLinear', inputs: [input, ...parameters(reader, name, real.quantization!)] },
    [],
  );
  real.producer = node;
  node.outputs.push(real);
  return [input, real];
}

/** The graph's output of a tensor. */
export function outputOf(reader: GraphReader, index: number): Value {
  const real = reader.value(index);
  if (!isQuantized(reader.tensor(index))) return settled(reader, real);
  return quantizedOutput(reader, real, index);
}

/** An output that no node makes is a copy: inputs and constants are not given twice. */
export function settled(reader: GraphReader, value: Value): Value {
  if (value.producer !== null && value.graph === reader.builder.graph) return value;
  const copy = reader.fresh(`${value.name}_output`, value.type);
  copy.origin = value.origin;
  return reader.produce('Identity', [value], copy);
}

function quantizedOutput(reader: GraphReader, real: Value, index: number): Value {
  const name = reader.tensor(index).name || `output_${index}`;
  const quantization = reader.quantization(index);
  // The name is that of the integers, which callers get.
  const own = real.name === name ? name : freshName(reader.reading.names, name);
  if (real.name === name) real.name = freshName(reader.reading.names, `${name}_real`);
  const shape = real.type?.kind === 'tensor' ? real.type.shape : null;
  const type = tensorType(quantization.storage, shape);
  const output = new Value(reader.builder.graph, own, type);
  output.origin = reader.originOf(index);
  return reader.produce(
    'QuantizeLinear',
    [real, ...parameters(reader, name, quantization)],
    output,
  );
}

/** Scale and zero point as inputs of (De)QuantizeLinear. */
function parameters(reader: GraphReader, name: string, quantization: Quantization): Value[] {
  const { scale, zero } = parametersOf(quantization, reader.where);
  return [
    reader.madeConstant(`${name}_scale`, scale),
    reader.madeConstant(`${name}_zero_point`, zero),
  ];
}

/** Makes what a variable holds at the end an output, which is the next run's input. */
export function makeState(reader: GraphReader, { input, current, initial }: Variable): void {
  const origin = input.origin as ValueOrigin | null;
  const index = origin?.tensor ?? -1;
  const isLevels = index >= 0 && isQuantized(reader.tensor(index));
  let output = current;
  if (isLevels) output = quantizedOutput(reader, current, index);
  else if (current.producer === null || current.uses.size > 0) {
    const copy = reader.fresh(`${input.name}_next`, current.type);
    output = reader.produce('Identity', [current], copy);
  }
  reader.builder.output(output);
  const begin = initial === undefined ? {} : { initial };
  reader.reading.states.push({ input: input.name, output: output.name, ...begin });
}
