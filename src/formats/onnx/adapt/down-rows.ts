import type { AdaptContext, Form } from '../../../ops/form.ts';
import { inputAttributeRows } from './down-inputs.ts';
import { olderMeaningRows } from './down-meaning.ts';
import { olderResizeRows } from './down-resize.ts';

/** One breaking edge of one operator, downwards. */
export interface DownRow {
  op: string;
  since: number;
  /** The operator's name before the edge, where that changed. */
  becomes?: string;
  /** Forms that mean the same before the edge: those of the row's own operator in the operator set before it,
   *  all others in the pinned one.
   *  @throws {UnsupportedError} the form has no equivalent */
  down<T>(form: Form<T>, context: AdaptContext<T>, target: number): Form<T>[];
}

/** Every breaking edge from opset 8 on, oldest first for each operator. An edge without a row only added
 *  attributes, inputs or types, which the schemas tell. */
export const downRows: readonly DownRow[] = [
  ...inputAttributeRows,
  ...olderMeaningRows,
  ...olderResizeRows,
].sort((a, b) => a.since - b.since);
