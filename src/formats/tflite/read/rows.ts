import { binaryRows } from './binary.ts';
import { convRows } from './conv.ts';
import { elementwiseRows } from './elementwise.ts';
import { linearRows } from './linear.ts';
import { normalizeRows } from './normalize.ts';
import type { Row } from './operator.ts';
import { poolRows } from './pool.ts';
import { quantizeRows } from './quantize.ts';
import { shapeRows } from './shape.ts';

const rows: ReadonlyMap<string, Row> = new Map(
  [
    binaryRows,
    convRows,
    elementwiseRows,
    linearRows,
    normalizeRows,
    poolRows,
    quantizeRows,
    shapeRows,
  ].flatMap((table) => Object.entries(table)),
);

/** What makes nodes of an operator, or null: it stays opaque.
 *  @param name  of the builtin; `CUSTOM:` and its name for a custom operator */
export function findRow(name: string): Row | null {
  return rows.get(name) ?? null;
}
