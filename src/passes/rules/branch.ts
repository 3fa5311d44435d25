import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** An If whose condition is known is the nodes of that branch. */
export const knownBranches: Rule = {
  name: 'known-branch',
  reason: 'the condition is known: only one branch ever runs',
  roots: ['If'],
  find: (node, c) => {
    const condition = c.known(node.inputs[0]);
    if (condition?.length !== 1) return 'the condition is computed';
    const name = condition[0] !== 0 ? 'then_branch' : 'else_branch';
    const body = node.attributes.get(name);
    return body?.type === 'graph' ? inline(node, body.value, c) : null;
  },
};

function inline(node: Node, body: Graph, c: RuleContext): Found {
  if (body.outputs.length !== node.outputs.length) return null;
  if (body.inputs.length > 0) return 'the branch has inputs';
  return () => {
    unfold(body, node, c);
    const results = [...body.outputs];
    // With it go the branch's own uses of its results.
    c.edit.removeNode(node);
    node.outputs.forEach((output, index) => {
      become(output, results[index]!, node, c);
    });
  };
}

/** Copies a body's nodes to just before its node. */
function unfold(body: Graph, node: Node, c: RuleContext): void {
  for (const value of [...body.constants]) {
    const copy = c.addConstant(node.graph, value.name, value.constant!);
    copy.quantization = value.quantization;
    copy.type = value.type;
    c.edit.replaceUses(value, copy);
  }
  for (const inner of body.nodes) {
    const { op, domain, name, inputs } = inner;
    const attributes = [...inner.attributes];
    // Its own bodies move with it.
    for (const [key, attribute] of attributes)
      if (attribute.type === 'graph' || attribute.type === 'graphs') c.edit.release(inner, key);
    const outputs = inner.outputs.map((value) => ({
      name: value.name === '' ? '' : c.freshName(value.name),
      type: value.type,
    }));
    const spec = { op, domain, name, attributes, inputs };
    const copy = c.edit.addNode({ before: node }, spec, outputs);
    copy.metadata = inner.metadata;
    inner.outputs.forEach((value, index) => {
      copy.outputs[index]!.quantization = value.quantization;
      c.edit.replaceUses(value, copy.outputs[index]!);
    });
  }
}

/** A value takes the place of an output; through an Identity where both are needed by name. */
function become(output: Value, value: Value, node: Node, c: RuleContext): void {
  if (output.uses.size === 0) return;
  if (c.whyNot(output, value) === null) c.replace(output, value);
  else c.take(node, { op: 'Identity', inputs: [value] }, output);
}

/** An If one branch of which gives a rank that the nodes after it can't take: in any run that succeeds the other one
 *  is taken. Exporters make such of squeezing that depends on a size. */
export const onlyBranches: Rule = {
  name: 'only-branch',
  reason: 'what reads its result takes the rank that only this branch gives',
  roots: ['If'],
  find: (node, c) => {
    const bodies = bodiesOf(node);
    for (const [index, output] of node.outputs.entries()) {
      const needed = neededRank(output, node, c, 0);
      if (needed === null) continue;
      const isOpen = bodies.map((body) => {
        const ranks = possibleRanks(body?.outputs[index], c, 0);
        return ranks === null || ranks.has(needed);
      });
      const body = bodies[isOpen.indexOf(true)];
      if (isOpen[0] !== isOpen[1] && body != null) return inline(node, body, c);
    }
    return null;
  },
};

function bodiesOf(node: Node): (Graph | null)[] {
  return ['then_branch', 'else_branch'].map((name) => {
    const attribute = node.attributes.get(name);
    return attribute?.type === 'graph' ? attribute.value : null;
  });
}

/** Ranks that a value can have, as far as branches differ in it; null for any. */
function possibleRanks(
  value: Value | undefined,
  c: RuleContext,
  depth: number,
): ReadonlySet<number> | null {
  const rank = c.rank(value);
  if (rank !== null) return new Set([rank]);
  const node = value?.producer;
  if (value === undefined || node == null || depth > deepest || !c.isSound(node)) return null;
  if (node.op === 'If' && node.domain === '') {
    const at = node.outputs.indexOf(value);
    const sets = bodiesOf(node).map((body) => possibleRanks(body?.outputs[at], c, depth + 1));
    return sets.includes(null) ? null : new Set(sets.flatMap((set) => [...set!]));
  }
  const shift = shiftOf(node, c);
  const before = shift === null ? null : possibleRanks(node.inputs[0] ?? undefined, c, depth + 1);
  return before === null ? null : new Set([...before].map((x) => x + shift!));
}

/** How many axes a node adds to its first input. */
function shiftOf(node: Node, c: RuleContext): number | null {
  if (node.domain !== '') return null;
  if (sameRank.has(node.op)) return 0;
  const count = c.known(node.inputs[1])?.length;
  if (count === undefined) return null;
  return node.op === 'Unsqueeze' ? count : node.op === 'Squeeze' ? -count : null;
}

/** Operators between whose input and output the rank does not change. */
const sameRank = new Set(['Identity', 'Cast', 'Relu', 'Sigmoid', 'Tanh', 'Neg', 'Sqrt', 'Exp']);
/** Inputs of recurrent operators that have three axes: X, W, R, initial_h, initial_c. */
const recurrent = [0, 1, 2, 5, 6];
const deepest = 8;

/** The rank that a value must have for the nodes that always run after it; null where they take several. */
function neededRank(value: Value, node: Node, c: RuleContext, depth: number): number | null {
  if (depth > deepest) return null;
  for (const { user, index } of value.uses) {
    // A reader in the body of another node may never run.
    if (!('op' in user) || user.graph !== node.graph || !c.isSound(user)) continue;
    const rank = neededBy(user, index, c, depth);
    if (rank !== null) return rank;
  }
  return null;
}

function neededBy(user: Node, index: number, c: RuleContext, depth: number): number | null {
  if (user.domain !== '') return null;
  const after = (): number | null => neededRank(user.outputs[0]!, user, c, depth + 1);
  switch (user.op) {
    case 'LSTM':
    case 'GRU':
    case 'RNN':
      return recurrent.includes(index) ? 3 : null;
    case 'Gemm':
      return index < 2 ? 2 : null;
    case 'Conv':
    case 'ConvTranspose':
      return index === 0 ? c.rank(user.inputs[1]) : null;
    case 'Transpose':
      return c.attributes(user).ints('perm')?.length ?? after();
    default: {
      const shift = index === 0 ? shiftOf(user, c) : null;
      const rank = shift === null ? null : after();
      return rank === null ? null : rank - shift!;
    }
  }
}
