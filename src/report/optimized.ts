/** What preparing a model for running does to its graph: plain data. */
export interface OptimizedReport {
  /** Nodes of all graphs, and by operator. */
  before: GraphCount;
  after: GraphCount;
  /** In the order in which they began. */
  rewrites: Rewrite[];
  /** What looked like a rule's pattern and had to stay. */
  refused: { rule: string; node: string; why: string }[];
}

export interface GraphCount {
  nodes: number;
  operators: Record<string, number>;
}

/** Everything that one rule did. */
export interface Rewrite {
  pass: string;
  rule: string;
  reason: string;
  /** Nodes that went and came. */
  removed: number;
  added: number;
}
