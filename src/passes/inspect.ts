import { constantOfValue } from '../ir/constant.ts';
import type { Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { formatType, type ValueType } from '../ir/types.ts';
import { allGraphs } from '../ir/walk.ts';
import { ops } from '../ops/index.ts';
import type { InspectReport } from '../report/inspect.ts';
import { type NodeProfile, profile } from './profile.ts';
import { inferShapes } from './shapes.ts';

export interface InspectOptions {
  /** Sizes of symbolic dimensions; those that are not given count as 1, and are listed so. */
  bindings?: Readonly<Record<string, number>>;
}

/** Constants listed by size. */
const largestRows = 10;

/** Says what a model is made of: operators, parameters, multiply-accumulates, types, what is large.
 *  Fills the types of the model's values; linear in its size; weights are not read.
 *  @throws {RangeError} a binding that is no size */
export function inspect(model: Model, { bindings = {} }: InspectOptions = {}): InspectReport {
  const counted = profile(model, ops, bindings);
  inferShapes(model, ops);
  const assumed = Object.fromEntries(counted.assumed.map((name) => [name, 1]));
  return {
    kind: 'inspect',
    version: 1,
    format: model.format,
    bytes: model.sourceBytes,
    opsets: model.format === 'onnx' ? Object.fromEntries(model.opsets) : {},
    metadata: Object.fromEntries(model.metadata),
    about: [...model.about],
    inputs: model.graph.inputs
      .filter(({ constant }) => constant === null)
      .map(({ name, type }) => ({ name, type: formatType(type) })),
    outputs: model.graph.outputs.map(({ name, type }) => ({ name, type: formatType(type) })),
    nodes: counted.nodes.length,
    parameters: counted.parameters,
    macs: counted.macs,
    bindings: { ...bindings, ...assumed },
    unknown: counted.unknown,
    operators: operatorsOf(counted.nodes),
    ...constantsOf(model),
    layers: counted.nodes.map(({ node, parameters, weightBytes, macs }) => ({
      node: node.name || node.outputs[0]?.name || '',
      operator: nameOf(node),
      output: formatType(storedType(node.outputs[0])),
      parameters,
      weightBytes,
      macs,
    })),
    warnings: [
      ...model.notes,
      ...counted.warnings.map(({ where, message }) => `${where}: ${message}`),
    ],
  };
}

/** The type of what a tensor holds: its integers if it is quantized. */
function storedType(value: Value | undefined): ValueType | null {
  const type = value?.type ?? null;
  if (value?.quantization == null || type?.kind !== 'tensor') return type;
  return { ...type, dtype: value.quantization.storage };
}

function nameOf({ domain, op }: Node): string {
  return domain === '' ? op : `${domain}.${op}`;
}

function operatorsOf(nodes: readonly NodeProfile[]): InspectReport['operators'] {
  const rows = new Map<string, InspectReport['operators'][number]>();
  for (const { node, macs, parameters } of nodes) {
    const name = nameOf(node);
    const row = rows.get(name) ?? { name, count: 0, macs: 0, parameters: 0 };
    rows.set(name, row);
    row.count++;
    row.macs += macs ?? 0;
    row.parameters += parameters;
  }
  return [...rows.values()].sort(
    (a, b) => b.macs - a.macs || b.parameters - a.parameters || b.count - a.count,
  );
}

function constantsOf(model: Model): Pick<InspectReport, 'dtypes' | 'largest'> {
  const dtypes = new Map<string, InspectReport['dtypes'][number]>();
  const all: InspectReport['largest'] = [];
  for (const graph of allGraphs(model.graph)) {
    const made = graph.nodes.flatMap(({ outputs }) => outputs.slice(0, 1));
    for (const value of [...graph.constants, ...made]) {
      const constant = constantOfValue(value);
      if (constant === null) continue;
      const { dtype, shape, data, strings } = constant;
      const bytes = strings?.reduce((sum, text) => sum + text.length, 0) ?? data.size;
      const row = dtypes.get(dtype) ?? { dtype, constants: 0, bytes: 0 };
      dtypes.set(dtype, row);
      row.constants++;
      row.bytes += bytes;
      all.push({ name: value.name, dtype, shape, bytes });
    }
  }
  return {
    dtypes: [...dtypes.values()].sort((a, b) => b.bytes - a.bytes),
    largest: all.sort((a, b) => b.bytes - a.bytes).slice(0, largestRows),
  };
}
