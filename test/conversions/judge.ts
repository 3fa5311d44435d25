import { convert } from '../../src/convert.ts';
import { ModelpressError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { Model, Value } from '../../src/ir/index.ts';
import { allGraphs } from '../../src/ir/walk.ts';
import type { OnnxCase } from '../onnx-cases.ts';
import { runModel } from '../ort.ts';
import { runTflite, TfliteRunError } from '../peers/tflite.ts';
import { decodeCase } from '../runtime/conformance.ts';
import { sharedFile } from '../shared.ts';
import { disagreement, type Tolerance } from './agree.ts';
import { onnxReference, type Reference, tfliteInputs, tfliteReference } from './references.ts';
import type { Direction, Row, Status } from './row.ts';
import { inexpressibleReason, isFloatCase, randomReason } from './scope.ts';

/** What is to be converted: a file of ../shared/data, or a case of ONNX's own tests. */
export type Item =
  | { readonly direction: Direction; readonly group: string; readonly path: string }
  | { readonly direction: Direction; readonly group: string; readonly case: OnnxCase };

/** Why an item did not pass. */
class Finding {
  readonly code: string;
  readonly reason: string;
  readonly outOfScope: boolean;

  constructor(code: string, reason: string, outOfScope = false) {
    this.code = code;
    this.reason = reason;
    this.outOfScope = outOfScope;
  }
}

export function nameOf(item: Item): string {
  return 'case' in item ? item.case.name.replace(/^.*\/(test_)?/, '') : item.path;
}

/** Converts, runs the result in another runtime, and compares. */
export async function judge(item: Item): Promise<Row> {
  const { direction, group } = item;
  const operators: string[] = [];
  const row = (status: Status, code = '', reason = ''): Row => ({
    direction,
    group,
    name: nameOf(item),
    status,
    code,
    reason: reason.split('\n')[0]!.slice(0, 300),
    operators,
  });
  const found = await steps(item, operators).catch((error: unknown) => {
    if (error instanceof Finding) return error;
    if (error instanceof ModelpressError) {
      return new Finding(error.code, [error.message, error.where ?? ''].join(' ').trim());
    }
    return new Finding('CRASH', String(error));
  });
  if (found === null) return row('passed');
  const excuse = direction === 'onnx-to-tflite' ? inexpressibleReason(operators) : null;
  if (excuse !== null) return row('out of scope', 'SCOPE', excuse);
  return row(found.outOfScope ? 'out of scope' : 'failed', found.code, found.reason);
}

async function steps(item: Item, operators: string[]): Promise<null> {
  if ('case' in item) return ofCase(item.case, operators);
  const folder = item.direction === 'onnx-to-tflite' ? 'onnx-models' : 'tflite-models';
  const bytes = sharedFile(`${folder}/${item.path}`)!;
  if (item.direction === 'onnx-to-tflite') {
    const model = await readModel(bytes);
    operators.push(...operatorsOf(model));
    const reference = await onnxReference(item.path, model, bytes).catch((error: unknown) => {
      throw new Finding('NO REFERENCE', `onnxruntime-node: ${String(error)}`, true);
    });
    return inTflite(await toTflite(bytes), reference, tolerances[item.group] ?? exact);
  }
  if (item.direction === 'tflite-to-onnx') return ofTflite(item.path, bytes, operators);
  return roundTrip(item.path, bytes, operators);
}

const exact: Tolerance = { share: 1e-4, quanta: 0 };
const tolerances: Readonly<Record<string, Tolerance>> = { small: { share: 1e-4, quanta: 1 } };

async function ofCase(item: OnnxCase, operators: string[]): Promise<null> {
  const decoded = await decodeCase(item);
  const { model, feeds, expected } = decoded;
  operators.push(...operatorsOf(model));
  if (!isFloatCase(decoded)) throw new Finding('SCOPE', 'no case on float32', true);
  if (/^training_dropout/.test(decoded.name)) throw new Finding('SCOPE', randomReason, true);
  const inputs = model.graph.inputs.filter(({ constant }) => constant === null);
  const bytes = await toTflite(item.model);
  return inTflite(
    bytes,
    {
      inputs: inputs.map(({ name }) => feeds[name] as Tensor),
      outputs: model.graph.outputs.map(({ name }) => (expected[name] as Tensor) ?? null),
    },
    exact,
  );
}

async function toTflite(bytes: Uint8Array): Promise<Uint8Array> {
  return (await convert(bytes, { to: 'tflite', runner: null })).bytes;
}

/** Runs a converted file in tfjs-tflite. */
async function inTflite(
  bytes: Uint8Array,
  { inputs, outputs }: Reference,
  tolerance: Tolerance,
): Promise<null> {
  const run = await runTflite(bytes, inputs, { timeoutMs: 240_000 }).catch((error: unknown) => {
    if (!(error instanceof TfliteRunError)) throw error;
    throw new Finding(error.stage.toUpperCase(), error.message);
  });
  return sameOutputs(run.outputs, outputs, tolerance);
}

function sameOutputs(
  got: readonly (Tensor | undefined)[],
  expected: readonly (Tensor | null)[],
  tolerance: Tolerance,
): null {
  for (const [i, tensor] of expected.entries()) {
    if (tensor === null) continue;
    const other = got[i];
    const found = other === undefined ? 'nothing' : disagreement(other, tensor, tolerance);
    if (found !== null) throw new Finding('DIFFERS', `output ${i}: ${found}`);
  }
  return null;
}

async function ofTflite(path: string, bytes: Uint8Array, operators: string[]): Promise<null> {
  const model = await readModel(bytes);
  operators.push(...operatorsOf(model));
  if (model.graph.outputs.length === 0)
    throw new Finding('NO REFERENCE', 'it has no outputs', true);
  const reference = await tfliteReference(path, bytes).catch((error: unknown) => {
    if (!(error instanceof TfliteRunError)) throw error;
    throw new Finding('NO REFERENCE', error.message, true);
  });
  const { bytes: onnx } = await convert(bytes, { to: 'onnx', runner: null });
  const after = await readModel(onnx);
  const names = after.graph.inputs.filter(({ constant }) => constant === null);
  const states = new Set(model.states.map(({ input }) => input));
  const feeds: Record<string, Tensor> = {};
  let next = 0;
  for (const { name, type } of names) {
    if (!states.has(name)) {
      feeds[name] = reference.inputs[next++]!;
    } else if (type?.kind === 'tensor' && type.dtype !== null) {
      const dims = (type.shape ?? []).map(Number);
      const count = dims.reduce((product, size) => product * size, 1);
      feeds[name] = new Tensor(
        type.dtype,
        Array.from({ length: count }, () => 0),
        dims,
      );
    }
  }
  const results = await runModel(onnx, feeds).catch((error: unknown) => {
    throw new Finding('RUN', `onnxruntime-node: ${String(error)}`);
  });
  const outputs = after.graph.outputs.map(({ name }) => results[name]);
  const share = isHybrid(model) ? hybridShare : 1e-4;
  const expected = reference.outputs.map((tensor, i) => widened(tensor, model.graph.outputs[i]!));
  return sameOutputs(outputs, expected, { share, quanta: 1, labels: 0.01 });
}

/** Small labels are stored as bytes, whatever the model gives. */
function widened(tensor: Tensor | null, { type }: Value): Tensor | null {
  if (tensor?.type !== 'uint8' || type?.kind !== 'tensor' || type.dtype !== 'int64') return tensor;
  return new Tensor('int64', [...(tensor.data as Uint8Array)], tensor.dims);
}

/** TFLite rounds activations to 8 bits while it runs where only weights are integers, and each of its runtimes
 *  otherwise; ONNX files compute with what the weights stand for. */
const hybridShare = 1e-2;

function isHybrid({ graph }: Model): boolean {
  return graph.nodes.some(({ inputs }) => {
    const [x, ...weights] = inputs;
    const isReal = x != null && x.constant === null && x.quantization === null;
    return isReal && weights.some((w) => w?.constant != null && w.quantization !== null);
  });
}

/** A file that nobody touched is written, and does the same in tfjs-tflite, bit for bit. */
async function roundTrip(path: string, bytes: Uint8Array, operators: string[]): Promise<null> {
  const model = await readModel(bytes);
  operators.push(...operatorsOf(model));
  const written = await writeModel(model);
  const said = async (file: Uint8Array): Promise<readonly Tensor[] | string> => {
    try {
      return (await runTflite(file, await tfliteInputs(path, file))).outputs;
    } catch (error) {
      if (error instanceof TfliteRunError) return `${error.stage.toUpperCase()}: ${error.message}`;
      throw error;
    }
  };
  const before = await said(bytes);
  const after = await said(written);
  if (typeof before === 'string') {
    if (before === after) throw new Finding('NO REFERENCE', before, true);
    throw new Finding('DIFFERS', `tfjs-tflite: ${after} and not ${before}`);
  }
  if (typeof after === 'string') throw new Finding('RUN', after);
  return sameOutputs(after, before, { share: 0, quanta: 0 });
}

function operatorsOf(model: Model): string[] {
  const names: Set<string> = new Set();
  for (const graph of allGraphs(model.graph)) {
    for (const { domain, op } of graph.nodes) names.add(domain === '' ? op : `${domain}.${op}`);
  }
  return [...names].sort();
}
