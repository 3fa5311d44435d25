import { checkAborted, rangeError, UnsupportedError } from './core/errors.ts';
import { type SourceLike, toSource } from './core/source.ts';
import { type ReadOptions, readModel, type WriteOptions, writeModel } from './formats/index.ts';
import { clone } from './ir/clone.ts';
import type { Model } from './ir/model.ts';
import { allNodes } from './ir/walk.ts';
import { ops } from './ops/index.ts';
import {
  assignLayout,
  type BoundaryLayout,
  channelsFirst,
  channelsLast,
  countTransposes,
} from './passes/layout.ts';
import { inferShapes } from './passes/shapes.ts';
import type { ConversionReport } from './report/conversion.ts';
import { compareModels, type CompareOptions as RunOptions } from './runtime/compare.ts';
import { evaluateNode } from './runtime/evaluate-node.ts';
import { compareLayers } from './runtime/layers/compare.ts';
import { ownRunner } from './runtime/own-runner.ts';

export interface ConvertOptions extends Omit<RunOptions, 'runner'>, Omit<ReadOptions, 'format'> {
  /** Name of the format to write: `onnx` or `tflite`; default that of the source. */
  to?: string;
  /** Operator set to write: for ONNX 7 to 27; default the source's. */
  opset?: number;
  /** Oldest release of the TFLite runtime that is to load the file, such as `2.3`. */
  minRuntime?: string;
  /** Where images that come in and go out have their channels; default as the source has them. */
  layout?: BoundaryLayout;
  /** What runs both models for the proof; default modelpress itself. With null they are not run. */
  runner?: RunOptions['runner'] | null;
  /** Whether values on the way to the outputs are compared, too; default true where the models are run. */
  layers?: boolean;
}

/** Converts a model to another format or operator set, and compares what both compute: outputs, and every value on the
 *  way that both have.
 *  @param source  the file's bytes, or a source of them
 *  @returns the new file, and what was adapted, node by node, as data
 *  @throws {UnsupportedError} nodes that the target can't say: operator, place, code and what to do, all of them
 *  Errors of reading and of the runner are passed on. Cost: reads all weights; runs both models `samples` times, and once
 *  more for the values on the way. */
export async function convert(
  source: SourceLike,
  options: ConvertOptions = {},
): Promise<{ bytes: Uint8Array; report: ConversionReport }> {
  const { external, limits, signature, layout, runner = ownRunner(readModel) } = options;
  if (layout !== undefined && layout !== 'NCHW' && layout !== 'NHWC')
    throw rangeError('layout', 'NCHW or NHWC', layout);
  const model = await readModel(toSource(source), {
    ...(external === undefined ? {} : { external }),
    ...(limits === undefined ? {} : { limits }),
    ...(signature === undefined ? {} : { signature }),
  });
  const adapted: ConversionReport['adapted'] = [];
  const quantization: ConversionReport['quantization'] = [];
  const bytes = await write(model, options, {
    onLowered: (node) => adapted.push(node),
    onQuantization: (change) => quantization.push(change),
  });
  checkAborted(options.signal);
  const after = await readModel(bytes);
  const report: ConversionReport = {
    kind: 'conversion',
    version: 1,
    from: model.format,
    to: after.format,
    opsetBefore: opsetOf(model),
    opsetAfter: opsetOf(after),
    bytesBefore: model.sourceBytes,
    bytesAfter: bytes.length,
    nodesBefore: countNodes(model),
    nodesAfter: countNodes(after),
    adapted,
    quantization,
    transposes: countTransposes(after, after.format === 'tflite' ? channelsLast : channelsFirst),
    notes: [...model.notes],
    outputs: null,
    layers: null,
  };
  if (runner !== null) {
    const files = { model, after, bytes };
    await prove(files, report, { ...options, runner }).catch((error: unknown) => {
      const why = whyNotRun(error);
      if (why === null) throw error;
      report.notes.push(`the models were not run: ${why}`);
    });
  }
  return { bytes, report };
}

/** What was converted may still be something that does not run here, or only on inputs that nobody gave. */
function whyNotRun(error: unknown): string | null {
  if (!(error instanceof UnsupportedError)) return null;
  if (error.code === 'E_COMPARE_RUN') return whyNotRun(error.cause);
  return `${error.where === undefined ? '' : `${error.where}: `}${error.message}`;
}

function write(
  model: Model,
  { to, opset, minRuntime, layout }: ConvertOptions,
  listeners: Pick<WriteOptions, 'onLowered' | 'onQuantization'>,
): Promise<Uint8Array> {
  const format = to ?? model.format;
  const typed = format === 'onnx' ? clone(model) : model;
  if (format === 'onnx') {
    // Rows ask for types and ranks; a model that says less than can be inferred is refused less often so.
    inferShapes(typed, ops);
    if (layout !== undefined)
      assignLayout(typed, channelsFirst, { inputs: layout, outputs: layout });
  }
  const settings: WriteOptions = {
    format,
    evaluate: evaluateNode,
    ...listeners,
  };
  if (opset !== undefined) settings.opset = opset;
  if (minRuntime !== undefined) settings.minRuntime = minRuntime;
  if (layout !== undefined) settings.layout = layout;
  return writeModel(typed, settings);
}

/** Runs both models as they were read from their files. */
async function prove(
  { model, after, bytes }: { model: Model; after: Model; bytes: Uint8Array },
  report: ConversionReport,
  options: ConvertOptions & Pick<RunOptions, 'runner'>,
): Promise<void> {
  const before = { model, bytes: () => writeModel(model) };
  const compared = await compareModels(before, { model: after, bytes }, options);
  report.outputs = compared.report;
  checkAborted(options.signal);
  if (options.layers === false || compared.feeds === null) return;
  const notes = new Map([
    ...report.adapted.map(
      ({ node, becomes }) => [node, `written as ${becomes.join(', ')}`] as const,
    ),
    ...report.quantization.map(({ where, what }) => [where, what] as const),
  ]);
  report.layers = await compareLayers(model, after, compared.feeds, { notes });
}

function opsetOf({ format, opsets }: Model): number | null {
  return format === 'onnx' ? (opsets.get('') ?? 1) : null;
}

function countNodes({ graph }: Model): number {
  return [...allNodes(graph)].length;
}
