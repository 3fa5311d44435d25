import type { Value } from '../../ir/graph.ts';

/** Names visible in a graph: its own, then those of the graphs around it. */
export class Scope {
  readonly parent: Scope | null;
  readonly #names: Map<string, Value> = new Map();

  constructor(parent: Scope | null) {
    this.parent = parent;
  }

  /** False if the graph itself has the name already. */
  define(name: string, value: Value): boolean {
    if (this.#names.has(name)) return false;
    this.#names.set(name, value);
    return true;
  }

  own(name: string): Value | undefined {
    return this.#names.get(name);
  }

  find(name: string): Value | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      const value = scope.#names.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
