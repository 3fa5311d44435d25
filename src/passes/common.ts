import type { Constant } from '../ir/constant.ts';
import { Edit } from '../ir/edit.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import type { Attribute } from '../ir/types.ts';
import { allGraphs, namedByRecords } from '../ir/walk.ts';
import { findFault, findOp, type Op } from '../ops/index.ts';

/** Larger constants are compared by whoever stores them (share-constants.ts). */
const maxBytes = 1024;

/** Constants that are equal within one pass share a number. */
class Numbers {
  readonly #byKey: Map<string, number> = new Map();
  readonly #bySource: Map<object, number> = new Map();
  #next = 0;

  of(constant: Constant): number {
    const { dtype, shape, data, strings } = constant;
    const bytes = strings === undefined && data.size <= maxBytes ? data.read(0, data.size) : null;
    if (!(bytes instanceof Uint8Array)) return this.#of(this.#bySource, data);
    return this.#of(this.#byKey, `${dtype} [${shape}] ${bytes}`);
  }

  #of<K>(map: Map<K, number>, key: K): number {
    let number = map.get(key);
    if (number === undefined) {
      number = this.#next++;
      map.set(key, number);
    }
    return number;
  }
}

/** Nodes that compute the same of the same become one, in one walk over each graph. Small constants count as the same
 *  when their elements are. Returns how many nodes went. Linear in the size of the model.
 *  @param overridable  constants that callers may override: each is the same only as itself */
export function shareNodes(
  model: Model,
  ops: readonly Op[],
  overridable: ReadonlySet<Value> = new Set(),
): number {
  const edit = new Edit(model, {
    pass: 'simplify',
    rule: 'common-subexpression',
    reason: 'another node computes the same of the same',
  });
  const numbers = new Numbers();
  let count = 0;
  const fixed = namedByRecords(model.graph);
  for (const graph of allGraphs(model.graph))
    count += shareInGraph(edit, graph, ops, numbers, { overridable, fixed });
  if (count > 0) edit.commit();
  return count;
}

function shareInGraph(
  edit: Edit,
  graph: Graph,
  ops: readonly Op[],
  numbers: Numbers,
  { overridable, fixed }: Record<'overridable' | 'fixed', ReadonlySet<Value>>,
): number {
  const known = new Map<string, Node>();
  let count = 0;
  const nameOf = (value: Value | null): string => {
    if (value === null) return '_';
    const { constant, quantization } = value;
    const isOpen = constant === null || quantization !== null || overridable.has(value);
    return isOpen ? `v${value.id}` : `c${numbers.of(constant)}`;
  };
  for (const node of graph.nodes) {
    if (!isShareable(node, ops)) continue;
    const attributes = [...node.attributes]
      .map(([name, attribute]) => `${name}=${textOf(attribute, numbers)}`)
      .sort();
    const key = [
      `${node.domain}.${node.op} ${node.outputs.length}`,
      node.inputs.map(nameOf).join(),
      ...attributes,
    ].join('\n');
    const first = known.get(key);
    if (first === undefined) known.set(key, node);
    else if (!node.outputs.some((value) => fixed.has(value)) && unite(edit, first, node)) count++;
  }
  return count;
}

function isShareable(node: Node, ops: readonly Op[]): boolean {
  const op = findOp(ops, node.domain, node.op);
  if (op === null || op.traits?.nondeterministic === true || findFault(op, node) !== null)
    return false;
  for (const attribute of node.attributes.values())
    if (['graph', 'graphs', 'opaque', 'tensors'].includes(attribute.type)) return false;
  return true;
}

function textOf(attribute: Attribute, numbers: Numbers): string {
  if (attribute.type === 'tensor') return `c${numbers.of(attribute.value)}`;
  return Array.isArray(attribute.value)
    ? attribute.value.map(String).join()
    : String(attribute.value);
}

/** An output of the graph keeps its own node. */
function unite(edit: Edit, first: Node, node: Node): boolean {
  const isFixed = node.outputs.some(
    (value, index) =>
      value.quantization !== first.outputs[index]!.quantization ||
      [...value.uses].some(({ user }) => user === node.graph),
  );
  if (isFixed) return false;
  node.outputs.forEach((value, index) => {
    edit.replaceUses(value, first.outputs[index]!);
  });
  edit.removeNode(node);
  return true;
}
