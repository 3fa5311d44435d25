import { clone } from '../ir/clone.ts';
import type { EditRecord } from '../ir/edit.ts';
import type { Model } from '../ir/model.ts';
import { allNodes } from '../ir/walk.ts';
import type { GraphCount, OptimizedReport, Rewrite } from '../report/optimized.ts';
import { optimize } from './optimize.ts';

/** Says what a session would make of a model's graph: operators before and after, rewrites, and what was not rewritten
 *  and why. The model stays as it is. Time is about linear in nodes and rewrites, and in the bytes of what is folded. */
export function inspectOptimized(model: Model): OptimizedReport {
  const copy = clone(model);
  const first = copy.edits.length;
  const refused = optimize(copy);
  const rewrites = rewritesOf(copy.edits.slice(first));
  return { before: countOf(model), after: countOf(copy), rewrites, refused };
}

function countOf(model: Model): GraphCount {
  const operators: Record<string, number> = {};
  let nodes = 0;
  for (const { domain, op } of allNodes(model.graph)) {
    const name = domain === '' ? op : `${domain}.${op}`;
    operators[name] = (Object.hasOwn(operators, name) ? operators[name]! : 0) + 1;
    nodes++;
  }
  const sorted = Object.entries(operators).sort(([, a], [, b]) => b - a);
  return { nodes, operators: Object.fromEntries(sorted) };
}

/** Edits by rule; constants that came and went are not nodes. */
function rewritesOf(edits: readonly EditRecord[]): Rewrite[] {
  const rows = new Map<string, Rewrite>();
  const count = (list: readonly string[]): number =>
    list.filter((text) => !text.startsWith('constant ')).length;
  for (const { pass, rule, reason, removed, added, changed } of edits) {
    if (count(removed) + count(added) + changed.length === 0) continue;
    const row = rows.get(`${pass}/${rule}`) ?? { pass, rule, reason, removed: 0, added: 0 };
    rows.set(`${pass}/${rule}`, row);
    row.removed += count(removed);
    row.added += count(added);
  }
  return [...rows.values()];
}
