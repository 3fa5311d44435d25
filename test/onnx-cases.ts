import { sharedFile } from './shared.ts';
import { untar } from './tar.ts';

/** One of ONNX's own test cases: a model and its expected outputs, as serialized messages. */
export interface OnnxCase {
  name: string;
  model: Uint8Array;
  /** The first data set: messages of TensorProto (mostly), by position. */
  inputs: Uint8Array[];
  outputs: Uint8Array[];
}

let cases: OnnxCase[] | undefined;

/** All cases in ../shared/data, or none (said loudly) where it is missing. */
export function onnxCases(): OnnxCase[] {
  cases ??= readCases();
  return cases;
}

function readCases(): OnnxCase[] {
  const archive = sharedFile('onnx-node-tests/cases.tar.gz');
  if (archive === null) return [];
  const byName = new Map<string, OnnxCase>();
  for (const { name, bytes } of untar(archive)) {
    const match = /^(.*?)\/(model\.onnx|test_data_set_0\/(input|output)_(\d+)\.pb)$/.exec(name);
    if (match === null) continue;
    let found = byName.get(match[1]!);
    if (found === undefined) {
      found = { name: match[1]!, model: new Uint8Array(0), inputs: [], outputs: [] };
      byName.set(found.name, found);
    }
    if (match[2] === 'model.onnx') found.model = bytes;
    else found[match[3] === 'input' ? 'inputs' : 'outputs'][Number(match[4])] = bytes;
  }
  return [...byName.values()];
}
