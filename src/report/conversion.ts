import type { CompareReport } from './report.ts';

/** A node that the written file says otherwise than the source. */
export interface AdaptedNode {
  node: string;
  op: string;
  /** The operators it was written as, producers first. */
  becomes: string[];
}

/** What a conversion did, and how the result computes beside its source: plain data. */
export interface ConversionReport {
  kind: 'conversion';
  version: 1;
  from: string;
  to: string;
  opsetBefore: number;
  opsetAfter: number;
  bytesBefore: number;
  bytesAfter: number;
  adapted: AdaptedNode[];
  /** null where the models were not run. */
  outputs: CompareReport | null;
}
