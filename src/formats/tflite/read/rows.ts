import { binaryRows } from './binary.ts';
import { controlRows } from './control.ts';
import { convRows } from './conv.ts';
import { elementwiseRows } from './elementwise.ts';
import { gatherRows } from './gather.ts';
import { imageRows } from './image.ts';
import { linearRows } from './linear.ts';
import { normalizeRows } from './normalize.ts';
import type { Row } from './operator.ts';
import { poolRows } from './pool.ts';
import { quantizeRows } from './quantize.ts';
import { recurrentRows } from './recurrent.ts';
import { reduceRows } from './reduce.ts';
import { shapeRows } from './shape.ts';
import { signalRows } from './signal.ts';
import { sliceRows } from './slice.ts';
import { spaceRows } from './space.ts';
import { stablehloRows } from './stablehlo.ts';
import { variableRows } from './variables.ts';

const rows: ReadonlyMap<string, Row> = new Map(
  [
    binaryRows,
    controlRows,
    convRows,
    elementwiseRows,
    gatherRows,
    imageRows,
    linearRows,
    normalizeRows,
    poolRows,
    quantizeRows,
    recurrentRows,
    reduceRows,
    shapeRows,
    signalRows,
    sliceRows,
    spaceRows,
    stablehloRows,
    variableRows,
  ].flatMap((table) => Object.entries(table)),
);

/** What makes nodes of an operator, or null: it stays opaque.
 *  @param name  of the builtin; `CUSTOM:` and its name for a custom operator */
export function findRow(name: string): Row | null {
  return rows.get(name) ?? null;
}
