import { UnsupportedError } from '../../core/errors.ts';
import type { ByteSink } from '../../core/source.ts';
import { describe } from '../../ir/edit.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { namesAround } from '../../ir/walk.ts';
import { pinnedOpset } from '../../ops/op.ts';
import type { WriteOptions, WriteReport } from '../format.ts';
import { encodeTfliteTo } from './codec.ts';
import { type ModelOrigin, modelOrigin } from './origin.ts';
import type { ModelRecord, SubGraphRecord } from './records.ts';
import { checkRelease } from './releases.ts';
import { AsRead, emitAsRead } from './write/as-read.ts';
import { copy } from './write/blocks.ts';
import { type EmitContext, Emitter } from './write/emitter.ts';
import { addRest, addSignatures, withRelease } from './write/envelope.ts';
import { FileTables } from './write/file.ts';
import { makeOperand, type Operand } from './write/operand.ts';
import { prepare } from './write/prepare.ts';
import { rowOf } from './write/rows.ts';

/** A node that can't be written, and why. */
export interface Unwritten {
  code: string;
  where: string;
  reason: string;
  hint?: string;
}

/** Writes a model. One that was read from a TFLite file and not changed is written from its own tables.
 *  @throws {UnsupportedError} nodes that TFLite can't express */
export async function writeTflite(
  model: Model,
  sink: ByteSink,
  options: WriteOptions,
): Promise<WriteReport> {
  const own = untouched(model, options);
  const record = own?.record ?? (await toTflite(model, options));
  const bytes = await encodeTfliteTo(record, sink, own === null ? {} : { buffers: own.buffers });
  return { format: 'tflite', bytes, externalBytes: 0, opset: model.opsets.get('') ?? pinnedOpset };
}

/** The tables that a model was read from, if they still say the same. */
function untouched(model: Model, options: WriteOptions): ModelOrigin | null {
  const isAsRead = model.edits.length === 0 && options.layout === undefined;
  const origin = isAsRead ? modelOrigin(model) : null;
  if (origin !== null && options.minRuntime !== undefined)
    checkRelease(origin.record, options.minRuntime);
  return origin;
}

/** A model as the tables of a TFLite file.
 *  @throws {UnsupportedError} nodes that TFLite can't express: all of them in one message */
export async function toTflite(model: Model, options: WriteOptions): Promise<ModelRecord> {
  const { model: prepared, integer, changes } = await prepare(model, options);
  for (const change of changes) options.onQuantization?.(change);
  const file = new FileTables();
  const origin = modelOrigin(prepared);
  const states = statesOf(prepared);
  const unwritten: Unwritten[] = [];
  const context: EmitContext = {
    file,
    names: namesAround(prepared.graph),
    evaluate: options.evaluate ?? null,
    minRuntime: options.minRuntime ?? null,
    integer,
    hybrid: model.format === 'tflite',
    onLowered: (lowered) => options.onLowered?.(lowered),
    onQuantization: (change) => options.onQuantization?.(change),
    subgraph: (graph, begin) =>
      addSubgraph(file, () => {
        const e = new Emitter(graph, context);
        for (const value of graph.inputs) e.input(value, states.inputs.has(value));
        begin?.(e);
        emitNodes(e, graph, unwritten);
        return e.finish(outputsOf(e, graph, states.outputs));
      }),
    made: (graph, at, build) =>
      addSubgraph(file, () => {
        const e = new Emitter(graph, context, at);
        return e.finish(build(e));
      }),
    states: new Set([...states.inputs, ...states.outputs]),
    asRead: origin === null ? null : new AsRead(origin),
    emitNodes: (e, graph) => emitNodes(e, graph, unwritten),
  };
  context.subgraph(prepared.graph);
  if (unwritten.length > 0) throw refusal(unwritten);
  const { graph } = prepared;
  addSignatures(
    file,
    origin,
    graph.inputs.filter((value) => !states.inputs.has(value)),
    graph.outputs.filter((value) => !states.outputs.has(value)),
  );
  if (origin !== null) addRest(file, origin);
  const record = file.record(origin?.record.description ?? 'modelpress');
  if (options.minRuntime !== undefined) checkRelease(record, options.minRuntime);
  return withRelease(record);
}

/** What a model remembers: variable tensors, no inputs and outputs. A state of integers is given by a QuantizeLinear:
 *  what that reads is in the variable. */
function statesOf({ graph, states }: Model): { inputs: Set<Value>; outputs: Set<Value> } {
  const find = (values: readonly Value[], names: string[]): Value[] =>
    values.filter(({ name }) => names.includes(name));
  const given = find(
    graph.outputs,
    states.map(({ output }) => output),
  );
  const real = given.flatMap(({ producer }) =>
    producer?.op === 'QuantizeLinear' ? [producer.inputs[0]!] : [],
  );
  const inputs = find(
    graph.inputs,
    states.map(({ input }) => input),
  );
  return { inputs: new Set(inputs), outputs: new Set([...given, ...real]) };
}

/** Subgraphs are numbered as they begin: the main one is the first. */
function addSubgraph(file: FileTables, write: () => SubGraphRecord): number {
  const index = file.subgraphs.push({}) - 1;
  file.subgraphs[index] = write();
  return index;
}

function emitNodes(e: Emitter, graph: Graph, unwritten: Unwritten[]): void {
  for (const node of graph.nodes) {
    // A state's integers are in its variable.
    if (node.op === 'QuantizeLinear' && e.context.states.has(node.outputs[0]!)) continue;
    try {
      if (emitAsRead(e, node)) continue;
      const row = rowOf(node);
      if (row === null) {
        const name = `${node.domain === '' ? '' : `${node.domain}.`}${node.op}`;
        const where = describe(node);
        throw new UnsupportedError(`${where}: TFLite has no ${name}`, {
          code: 'E_TFLITE_OP',
          where,
        });
      }
      const before = e.operators.length;
      e.run(node, row);
      sayLowered(e, node, before);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      const { code, where = '', message: reason, hint } = error;
      unwritten.push({ code, where, reason, ...(hint === undefined ? {} : { hint }) });
      for (const value of node.outputs) {
        const type = value.type?.kind === 'tensor' ? value.type : null;
        const dtype = type?.dtype ?? 'float32';
        if (!e.isKnown(value)) e.define(value, makeOperand(value.name, dtype, type?.shape ?? null));
      }
    }
  }
}

/** Tells of a node that takes several operators. */
function sayLowered(e: Emitter, node: Node, before: number): void {
  const made = e.operators.slice(before).map(({ name }) => name);
  const becomes = made.filter((name) => name !== 'DEQUANTIZE' && name !== 'QUANTIZE');
  if (becomes.length < 2) return;
  const name = node.name || node.outputs[0]?.name || node.op;
  e.context.onLowered({ node: name, op: node.op, becomes });
}

/** Each output is a tensor of its own, of the type that the graph says. */
function outputsOf(e: Emitter, graph: Graph, states: ReadonlySet<Value>): Operand[] {
  const taken = new Set<Operand>();
  const outputs = graph.outputs.filter((value) => !states.has(value));
  return outputs.map((value) => {
    const operand = e.operandOf(value);
    const dtype =
      value.type?.kind === 'tensor' ? (value.type.dtype ?? operand.dtype) : operand.dtype;
    const stored = operand.quantization?.storage ?? operand.dtype;
    const isOwn = stored === dtype && operand.constant === null && !taken.has(operand);
    taken.add(operand);
    return isOwn ? operand : copy(e, operand, makeOperand(value.name, dtype, operand.shape));
  });
}

function refusal(unwritten: readonly Unwritten[]): UnsupportedError {
  const [first] = unwritten as [Unwritten, ...Unwritten[]];
  const rest = unwritten.length - 1;
  const more = unwritten.slice(1, 10).map(({ reason }) => reason);
  const { code, where, hint } = first;
  // The error says where by itself.
  const reason = first.reason.replace(`${where}: `, '');
  const message =
    rest === 0
      ? `not written as TFLite: ${reason}`
      : `not written as TFLite: ${reason}; and ${rest} more: ${more.join('; ')}`;
  return new UnsupportedError(message, {
    code,
    where,
    ...(hint === undefined ? {} : { hint }),
    cause: unwritten,
  });
}
