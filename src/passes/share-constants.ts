import type { Constant } from '../ir/constant.ts';
import { constantOfValue } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { allGraphs, namedByRecords } from '../ir/walk.ts';
import { removeHolder } from './constants.ts';

/** Smaller constants cost less than the edit would be worth reading about. */
const minBytes = 64;
const headBytes = 64;
const pieceBytes = 1 << 20;

/** Lets equal constants of a graph share one. Bytes are compared in full, but only where type, shape and the first
 *  bytes agree. Returns one sentence for the report, or none. */
export async function shareConstants(model: Model): Promise<string[]> {
  const reason = 'the same numbers need to be stored once';
  const edit = new Edit(model, { pass: 'lossless', rule: 'share-constants', reason });
  let count = 0;
  let bytes = 0;
  const named = namedByRecords(model.graph);
  for (const graph of allGraphs(model.graph)) {
    const fixed = new Set([...graph.inputs, ...graph.outputs, ...named]);
    const groups = new Map<string, { value: Value; constant: Constant }[]>();
    const made = graph.nodes.flatMap(({ outputs }) => outputs.slice(0, 1));
    for (const value of [...graph.constants, ...made]) {
      const constant = constantOfValue(value);
      if (constant === null || constant.data.size < minBytes || fixed.has(value)) continue;
      if (value.quantization !== null || value.uses.size === 0) continue;
      const head = await constant.data.read(0, headBytes);
      const key = `${constant.dtype} ${constant.shape} ${head}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      const first = await findEqual(group, constant);
      // A node's output is made later than an initializer, and maybe later than a reader of an equal one.
      if (first === null || (first.producer !== null && value.producer === null)) {
        group.push({ value, constant });
        continue;
      }
      edit.replaceUses(value, first);
      removeHolder(edit, value);
      count++;
      bytes += constant.data.size;
    }
  }
  if (count === 0) return [];
  edit.commit();
  return [`${count} repeated constants stored once (${bytes} bytes less)`];
}

async function findEqual(
  group: readonly { value: Value; constant: Constant }[],
  constant: Constant,
): Promise<Value | null> {
  for (const other of group) if (await isEqual(other.constant, constant)) return other.value;
  return null;
}

/** Piece by piece, so that large weights are not held. */
async function isEqual(a: Constant, b: Constant): Promise<boolean> {
  for (let at = 0; at < a.data.size; at += pieceBytes) {
    const length = Math.min(pieceBytes, a.data.size - at);
    const left = await a.data.read(at, length);
    const right = await b.data.read(at, length);
    for (let i = 0; i < length; i++) if (left[i] !== right[i]) return false;
  }
  return true;
}
