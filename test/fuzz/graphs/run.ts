import { check } from './check.ts';
import { generate } from './generate.ts';
import { describe, minimized } from './minimize.ts';
import { nameOf, type Recipe } from './recipe.ts';

export interface GraphsResult {
  graphs: number;
  /** How often each operator was in a graph. */
  operators: Map<string, number>;
  failures: string[];
  ms: number;
}

/** Checks random graphs, each made of a seed of its own: `--seed S --first N --runs 1` repeats graph N alone. */
export function runGraphs(settings: {
  runs: number;
  seed: number;
  first?: number;
  maxMs?: number;
  /** Stops after so many failures, default 1. */
  maxFailures?: number;
}): GraphsResult {
  const { runs, seed, first = 0, maxMs = Number.POSITIVE_INFINITY, maxFailures = 1 } = settings;
  const start = performance.now();
  const result: GraphsResult = { graphs: 0, operators: new Map(), failures: [], ms: 0 };
  for (let run = first; run < first + runs; run++) {
    const own = seed + Math.imul(run, 0x9e3779b1);
    const { recipe, known } = generate(own);
    if (recipe.outputs.length === 0) continue;
    result.graphs++;
    for (const { op } of recipe.steps)
      result.operators.set(op, (result.operators.get(op) ?? 0) + 1);
    const problem = (candidate: Recipe): string | null => check(candidate, known, own);
    const found = problem(recipe);
    if (found !== null) {
      const kind = kindOf(found);
      const small = minimized(recipe, known, (other) => {
        const same = problem(other);
        return same !== null && kindOf(same) === kind;
      });
      result.failures.push(
        `graph ${run} of seed ${seed}: ${problem(small) ?? `${found} (not at the second time)`}\n${describe(small)}\n${noises(small, known)}`,
      );
      if (result.failures.length >= maxFailures) break;
    }
    if (performance.now() - start > maxMs) break;
  }
  result.ms = performance.now() - start;
  return result;
}

/** What must stay while a graph is made smaller: by a session or by passes, and whether it throws. */
function kindOf(problem: string): string {
  return `${problem.split(/[: ]/)[0]} ${problem.includes(' throws ')}`;
}

function noises(recipe: Recipe, known: ReturnType<typeof generate>['known']): string {
  return recipe.outputs
    .map((id) => `${nameOf(id)}: [${known.get(id)!.tensor.dims}] ± ${known.get(id)!.noise}`)
    .join('\n');
}
