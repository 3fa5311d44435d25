/** What a model is made of: plain data. */
export interface InspectReport {
  kind: 'inspect';
  version: 1;
  format: string;
  bytes: number;
  /** Operator sets by domain; none for formats that have no such thing. */
  opsets: Record<string, number>;
  metadata: Record<string, string>;
  /** What is in the file besides the graph. */
  about: string[];
  inputs: { name: string; type: string }[];
  outputs: { name: string; type: string }[];
  nodes: number;
  parameters: number;
  /** Multiply-accumulates of one run with the bindings; what is unknown is not in it. */
  macs: number;
  /** Sizes of symbolic dimensions that the counts are for. */
  bindings: Record<string, number>;
  /** Nodes whose cost or output size is not known. */
  unknown: number;
  operators: { name: string; count: number; macs: number; parameters: number }[];
  /** Bytes and constants by element type. */
  dtypes: { dtype: string; constants: number; bytes: number }[];
  largest: { name: string; dtype: string; shape: readonly number[]; bytes: number }[];
  layers: LayerCost[];
  warnings: string[];
}

export interface LayerCost {
  node: string;
  operator: string;
  /** Type of the first output: that of the stored integers where it is quantized. */
  output: string;
  parameters: number;
  weightBytes: number;
  macs: number | null;
}
