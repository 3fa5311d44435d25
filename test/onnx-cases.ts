import { sharedFile } from './shared.ts';
import { type TarFile, untar } from './tar.ts';

/** Serialized messages of TensorProto (mostly), by position. */
export interface DataSet {
  inputs: Uint8Array[];
  outputs: Uint8Array[];
}

/** One of ONNX's own test cases: a model and its expected outputs of the first data set. */
export interface OnnxCase extends DataSet {
  name: string;
  model: Uint8Array;
  /** All data sets, the first among them. */
  sets: DataSet[];
}

let cases: OnnxCase[] | undefined;

/** All cases in ../shared/data, or none (said loudly) where it is missing. */
export function onnxCases(): OnnxCase[] {
  if (cases === undefined) {
    const archive = sharedFile('onnx-node-tests/cases.tar.gz');
    cases = archive === null ? [] : casesOf(untar(archive));
  }
  return cases;
}

/** Cases among files: `CASE/model.onnx`, `CASE/test_data_set_N/input_I.pb`, `…/output_I.pb`. */
export function casesOf(files: readonly TarFile[]): OnnxCase[] {
  const byName = new Map<string, OnnxCase>();
  for (const { name, bytes } of files) {
    const match = /^(?:(.*)\/)?(model\.onnx|test_data_set_(\d+)\/(input|output)_(\d+)\.pb)$/.exec(
      name,
    );
    if (match === null) continue;
    const [, path = '.', file, set, kind, index] = match;
    let found = byName.get(path);
    if (found === undefined) {
      const first: DataSet = { inputs: [], outputs: [] };
      found = { name: path, model: new Uint8Array(0), ...first, sets: [first] };
      byName.set(path, found);
    }
    if (file === 'model.onnx') {
      found.model = bytes;
      continue;
    }
    found.sets[Number(set)] ??= { inputs: [], outputs: [] };
    found.sets[Number(set)]![kind === 'input' ? 'inputs' : 'outputs'][Number(index)] = bytes;
  }
  return [...byName.values()];
}
