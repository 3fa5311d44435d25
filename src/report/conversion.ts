import type { LayersReport } from './layers.ts';
import type { CompareReport } from './report.ts';

/** A node that the written file says otherwise than the source. */
export interface AdaptedNode {
  node: string;
  op: string;
  /** The operators it was written as, producers first. */
  becomes: string[];
}

/** What the target's rules for quantized operators changed. */
export interface QuantizationNote {
  /** The node, or the value, that it is about. */
  where: string;
  /** Stable: `shifted`, `bias`, `weights`, `requantized`, `constant`, `reshaped`, `real`. */
  kind: string;
  what: string;
  /** Largest possible difference of a real number that comes of it; 0 where it is exact. */
  error: number;
}

/** Transposes between layouts of images in the written file, and the least that there could be for its inputs and
 *  outputs: a minimum cut. */
export interface TransposeCount {
  count: number;
  least: number;
}

/** What a conversion did, and how the result computes beside its source: plain data. */
export interface ConversionReport {
  kind: 'conversion';
  version: 1;
  from: string;
  to: string;
  /** Operator sets of ai.onnx; null for formats without. */
  opsetBefore: number | null;
  opsetAfter: number | null;
  bytesBefore: number;
  bytesAfter: number;
  /** Nodes of all graphs, before and after. */
  nodesBefore: number;
  nodesAfter: number;
  adapted: AdaptedNode[];
  quantization: QuantizationNote[];
  transposes: TransposeCount;
  /** What was repaired or could not be kept, one sentence each. */
  notes: string[];
  /** null where the models were not run. */
  outputs: CompareReport | null;
  /** Value by value on the way to the outputs; null where that was not run. */
  layers: LayersReport | null;
}
