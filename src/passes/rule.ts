import type { Node } from '../ir/graph.ts';
import type { RuleContext } from './rule-context.ts';

/** What a rule says about a node: null, there is nothing for it here; a sentence, this looks like its pattern but must
 *  stay, and why; a function, which makes the rewrite. The graph may not be changed before that is called. */
export type Found = null | string | (() => void);

/** One rewrite of a small pattern of nodes. It keeps what the model computes: exactly, or, where it says so, but for
 *  rounding. */
export interface Rule {
  readonly name: string;
  /** For the reader of a report: why the rewrite is right, or worth it. */
  readonly reason: string;
  /** Operators of the node that the pattern is found by: `Relu`, `mp.Conv`; '*' for any. */
  readonly roots: readonly string[];
  readonly find: (node: Node, c: RuleContext) => Found;
}

/** The name of an operator with its domain, as `roots` has it. */
export function operatorOf({ domain, op }: { domain: string; op: string }): string {
  return domain === '' ? op : `${domain}.${op}`;
}
