/** Minimum cut of a directed graph with capacities: Dinic's algorithm (1970), O(V²E), without recursion.
 *  In graphs where most vertices are near a terminal it takes few phases and time about linear in E. */
export class FlowGraph {
  /** Edges leave in pairs: 2i there, 2i + 1 back. */
  readonly #to: number[] = [];
  readonly #left: number[] = [];
  readonly #edges: number[][] = [];

  vertex(): number {
    return this.#edges.push([]) - 1;
  }

  /** @param capacity  not negative; Infinity for what is not to be cut
   *  @param back  capacity of the opposite direction */
  edge(from: number, to: number, capacity: number, back = 0): void {
    this.#edges[from]!.push(this.#to.push(to) - 1);
    this.#left.push(capacity);
    this.#edges[to]!.push(this.#to.push(from) - 1);
    this.#left.push(back);
  }

  /** The least total capacity of edges that separate `source` from `sink`, and which vertices are on the sink's
   *  side: of all minimum cuts the one with the fewest. Once for each graph.
   *  Infinity where every cut has an edge that is not to be cut. */
  cut(source: number, sink: number): { capacity: number; sinkSide: readonly boolean[] } {
    let capacity = 0;
    for (;;) {
      const levels = this.#levels(source);
      if (levels[sink] === -1) return { capacity, sinkSide: this.#sinkSide(sink) };
      const next = new Array<number>(levels.length).fill(0);
      for (;;) {
        const pushed = this.#augment(source, sink, levels, next);
        if (pushed === 0) break;
        capacity += pushed;
        if (pushed === Infinity) return { capacity, sinkSide: [] };
      }
    }
  }

  #levels(source: number): number[] {
    const levels = new Array<number>(this.#edges.length).fill(-1);
    levels[source] = 0;
    const queue = [source];
    for (let at = 0; at < queue.length; at++) {
      const from = queue[at]!;
      for (const edge of this.#edges[from]!) {
        const to = this.#to[edge]!;
        if (this.#left[edge]! <= 0 || levels[to] !== -1) continue;
        levels[to] = levels[from]! + 1;
        queue.push(to);
      }
    }
    return levels;
  }

  /** Sends flow along one shortest path; 0 where no path is left.
   *  @param next  for each vertex the first of its edges that is not yet known to lead nowhere */
  #augment(source: number, sink: number, levels: readonly number[], next: number[]): number {
    const path: number[] = [];
    let at = source;
    while (at !== sink) {
      const edges = this.#edges[at]!;
      const edge = edges[next[at]!];
      if (edge === undefined) {
        const last = path.pop();
        if (last === undefined) return 0;
        at = this.#to[last ^ 1]!;
        next[at]!++;
      } else if (this.#left[edge]! > 0 && levels[this.#to[edge]!] === levels[at]! + 1) {
        path.push(edge);
        at = this.#to[edge]!;
      } else next[at]!++;
    }
    let flow = Infinity;
    for (const edge of path) flow = Math.min(flow, this.#left[edge]!);
    if (flow === Infinity) return flow;
    for (const edge of path) {
      this.#left[edge]! -= flow;
      this.#left[edge ^ 1]! += flow;
    }
    return flow;
  }

  /** Whatever can still reach the sink. */
  #sinkSide(sink: number): boolean[] {
    const reached = new Array<boolean>(this.#edges.length).fill(false);
    reached[sink] = true;
    const queue = [sink];
    for (let at = 0; at < queue.length; at++) {
      for (const edge of this.#edges[queue[at]!]!) {
        const from = this.#to[edge]!;
        if (this.#left[edge ^ 1]! <= 0 || reached[from]) continue;
        reached[from] = true;
        queue.push(from);
      }
    }
    return reached;
  }
}
