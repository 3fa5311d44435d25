import { type AdaptContext, type Adapter, type Form, isDefaultDomain } from '../../../ops/form.ts';
import { attributeInputRows } from './attribute-inputs.ts';
import { broadcastRows } from './broadcast.ts';
import { legacyRows } from './legacy.ts';
import { meaningRows } from './meaning.ts';
import { resizeRows } from './resize.ts';

/** Every breaking edge of ai.onnx up to the pinned operator set. An edge of the schema history that has no row
 *  only added things (attributes with neutral defaults, optional inputs, types). */
export const adapters: readonly Adapter[] = [
  ...broadcastRows,
  ...legacyRows,
  ...attributeInputRows,
  ...resizeRows,
  ...meaningRows,
];

const byOp: ReadonlyMap<string, readonly Adapter[]> = sortedByOp(adapters);

function sortedByOp(rows: readonly Adapter[]): Map<string, Adapter[]> {
  const table = new Map<string, Adapter[]>();
  for (const row of [...rows].sort((a, b) => a.since - b.since)) {
    const list = table.get(row.op);
    if (list === undefined) table.set(row.op, [row]);
    else list.push(row);
  }
  return table;
}

/** Raises a node of ai.onnx from one operator-set version to another: rows with from < since ≤ to, in order,
 *  also on the nodes that a row made. Other domains, and versions that go down, pass unchanged.
 *  @returns nodes that mean the same, producers first; the same object alone if nothing changed
 *  @throws {UnsupportedError} an edge that this node can't take */
export function adaptUp<T>(
  form: Form<T>,
  from: number,
  to: number,
  context: AdaptContext<T>,
): Form<T>[] {
  if (!isDefaultDomain(form.domain)) return [form];
  const row = byOp.get(form.op)?.find(({ since }) => from < since && since <= to);
  if (row === undefined) return [form];
  const forms = row.up(form, context, to);
  // Each step raises `since`, so this ends after at most as many steps as there are versions.
  if (forms.length === 1) return adaptUp(forms[0]!, row.since, to, context);
  return forms.flatMap((next) => adaptUp(next, row.since, to, context));
}

/** Whether a row for `op` lies between the versions: if not, a node means the same in both. */
export function breaks(op: string, from: number, to: number): boolean {
  return byOp.get(op)?.some(({ since }) => from < since && since <= to) === true;
}
