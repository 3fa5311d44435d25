import { type SourceLike, toSource } from './core/source.ts';
import { type ReadOptions, readModel, writeModel } from './formats/index.ts';
import { clone } from './ir/clone.ts';
import { ops } from './ops/index.ts';
import { inferShapes } from './passes/shapes.ts';
import type { ConversionReport } from './report/conversion.ts';
import { compareBytes, type CompareOptions as RunOptions } from './runtime/compare.ts';
import { ownRunner } from './runtime/own-runner.ts';

export interface ConvertOptions extends Omit<RunOptions, 'runner'>, Omit<ReadOptions, 'format'> {
  /** Name of the format to write; default that of the source. */
  to?: string;
  /** Operator set to write: for ONNX 7 to 27; default the source's. */
  opset?: number;
  /** What runs both models for the proof; default modelpress itself. With null they are not run. */
  runner?: RunOptions['runner'] | null;
}

/** Converts a model to another operator set, and compares what both compute.
 *  @param source  the file's bytes, or a source of them
 *  @returns the new file, and what was adapted, node by node, as data
 *  @throws {UnsupportedError} a node that the operator set can't say: operator, node, and first operator set that can
 *  Errors of reading and of the runner are passed on. Cost: reads all weights; runs both models `samples` times. */
export async function convert(
  source: SourceLike,
  options: ConvertOptions = {},
): Promise<{ bytes: Uint8Array; report: ConversionReport }> {
  const file = toSource(source);
  const { external, limits, to, opset, runner = ownRunner(readModel) } = options;
  const model = await readModel(file, {
    ...(external === undefined ? {} : { external }),
    ...(limits === undefined ? {} : { limits }),
  });
  const typed = clone(model);
  // Rows ask for types and ranks; a model that says less than can be inferred is refused less often so.
  inferShapes(typed, ops);
  const adapted: ConversionReport['adapted'] = [];
  const bytes = await writeModel(typed, {
    format: to ?? model.format,
    ...(opset === undefined ? {} : { opset }),
    onLowered: (node) => adapted.push(node),
  });
  const after = await readModel(bytes);
  const report: ConversionReport = {
    kind: 'conversion',
    version: 1,
    from: model.format,
    to: after.format,
    opsetBefore: sourceOpset(model),
    opsetAfter: sourceOpset(after),
    bytesBefore: model.sourceBytes,
    bytesAfter: bytes.length,
    adapted,
    outputs: null,
  };
  if (runner !== null) {
    const before = await writeModel(model);
    report.outputs = await compareBytes({ model, bytes: before }, bytes, { ...options, runner });
  }
  return { bytes, report };
}

function sourceOpset({ opsets }: { opsets: ReadonlyMap<string, number> }): number {
  return opsets.get('') ?? 1;
}
