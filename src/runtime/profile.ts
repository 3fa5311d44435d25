import type { Node } from '../ir/graph.ts';

/** What one node cost, over all runs that were watched. */
export interface NodeProfile {
  /** The node's name, or its first output's. */
  node: string;
  op: string;
  /** What ran: a kernel, `generic` (TypeScript on copies), `host` (between segments). */
  kernel: string;
  runs: number;
  ms: number;
  /** Multiply-accumulates of one run. */
  macs: number;
  /** Bytes of its results as they are stored. */
  bytes: number;
}

/** Adds up what nodes cost. */
export class Profile {
  readonly #rows: Map<Node, NodeProfile> = new Map();

  add(node: Node, kernel: string, ms: number, macs: number, bytes = 0): void {
    let row = this.#rows.get(node);
    if (row === undefined) {
      const name = node.name || node.outputs[0]?.name || '';
      const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
      row = { node: name, op, kernel, runs: 0, ms: 0, macs, bytes };
      this.#rows.set(node, row);
    }
    row.runs++;
    row.ms += ms;
  }

  /** In the order in which nodes ran first. */
  rows(): NodeProfile[] {
    return [...this.#rows.values()];
  }
}
