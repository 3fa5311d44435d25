import { Edit } from '../ir/edit.ts';
import type { Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, namedByRecords, namesAround, shortNames } from '../ir/walk.ts';

/** Gives everything that callers can't name a name of a few letters: in small models names take more bytes than scales.
 *  Inputs and outputs of the model, what it remembers, and what a format's records name keep theirs.
 *  @returns  one sentence, or none */
export function shortenNames(model: Model): string[] {
  if (model.format === 'tflite' && hasBlocks(model)) return [];
  const edit = new Edit(model, {
    pass: 'lossless',
    rule: 'short-names',
    reason: 'nobody asks for values within the model by name',
  });
  const taken = namesAround(model.graph);
  const kept = new Set<Value>([
    ...model.graph.inputs,
    ...model.graph.outputs,
    ...namedByRecords(model.graph),
  ]);
  const makeName = shortNames(taken);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    const made = graph.nodes.flatMap(({ outputs }) => outputs);
    for (const value of [...graph.constants, ...made]) {
      if (kept.has(value) || value.name.length <= longest || graph.inputs.includes(value)) continue;
      const { origin } = value;
      edit.rename(value, makeName('v'));
      // Records of TFLite's tensors are written with the names that values have.
      if (model.format === 'tflite') value.origin = origin;
      count++;
    }
  }
  if (count === 0) return [];
  edit.commit();
  return [`${count} names of values within the model shortened`];
}

/** Weights with a scale for each block are in TFLite files only as they were read: of a model that nobody changed. */
function hasBlocks({ graph }: Model): boolean {
  return [...allGraphs(graph)].some(({ constants }) =>
    [...constants].some(({ quantization }) => quantization?.blockSize != null),
  );
}

/** Letters of names that are short already. */
const longest = 3;
