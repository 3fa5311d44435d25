import type { DType } from '../../../src/core/dtype.ts';
import { type Random, random } from '../../../src/core/random.ts';
import { Tensor } from '../../../src/core/tensor.ts';
import { clone, type Model, verify } from '../../../src/ir/index.ts';
import { ops } from '../../../src/ops/index.ts';
import { importQuantization } from '../../../src/passes/import-quantization.ts';
import { assignLayout, channelsFirst, channelsLast } from '../../../src/passes/layout.ts';
import { fuseForRuntime, optimizeForRuntime } from '../../../src/passes/optimize.ts';
import { simplifyRules } from '../../../src/passes/rules/index.ts';
import { runRules, simplify } from '../../../src/passes/simplify.ts';
import type { Data } from '../../../src/runtime/data.ts';
import { evaluateNode } from '../../../src/runtime/evaluate-node.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { interpret } from '../../reference/interpret.ts';
import { farthest, type Known } from './maker.ts';
import { modelOf, nameOf, type Recipe } from './recipe.ts';

/** What one graph has to do: give the same by a session, and after any passes in any order. */

const options = { ops, evaluate: evaluateNode };

type Pass = (model: Model, source: Random) => void;

const passes: Readonly<Record<string, Pass>> = {
  simplify: (model) => {
    simplify(model, options);
  },
  'some rules': (model, source) => {
    const growth = { each: 2 ** 20, total: 2 ** 20 };
    const rules = simplifyRules({
      evaluate: evaluateNode,
      growth,
      copyShared: true,
      liftAttention: source.below(2) === 0,
    });
    const chosen = rules.filter(() => source.below(2) === 0);
    runRules(model, 'some', chosen, { ...options, opset: Number.POSITIVE_INFINITY });
  },
  'optimize, stopped': (model, source) => {
    optimizeForRuntime(model, { ...options, stopAfter: source.below(6) });
  },
  optimize: (model) => {
    optimizeForRuntime(model, options);
  },
  quantization: (model) => {
    importQuantization(model);
  },
  'channels last': (model) => {
    assignLayout(model, channelsLast);
  },
  'channels first': (model) => {
    assignLayout(model, channelsFirst);
  },
  fuse: (model) => {
    fuseForRuntime(model, { ops });
  },
};

/** What is wrong with a graph, or null.
 *  @param seed  of the passes that are chosen */
export function check(
  recipe: Recipe,
  known: ReadonlyMap<number, Known>,
  seed: number,
): string | null {
  const model = modelOf(recipe);
  const feeds = Object.fromEntries([...recipe.feeds].map(([id, data]) => [nameOf(id), data]));
  const judge = (results: Readonly<Record<string, Data>>): string | null => {
    for (const id of recipe.outputs) {
      const found = differs(results[nameOf(id)], known.get(id)!);
      if (found !== null) return `${nameOf(id)}: ${found}`;
    }
    return null;
  };
  return (
    tried('the naive reference', () => judge(interpret(model, feeds))) ??
    tried('a session', () => sessionFault(model, feeds, judge)) ??
    passesFault(model, feeds, judge, random(seed))
  );
}

type Feeds = Readonly<Record<string, Tensor>>;
type Judge = (results: Readonly<Record<string, Data>>) => string | null;

function sessionFault(model: Model, feeds: Feeds, judge: Judge): string | null {
  const session = createSession(model);
  try {
    const first = session.run(feeds);
    const found = judge(first);
    if (found !== null) return found;
    const second = session.run(feeds);
    for (const [name, tensor] of Object.entries(first)) {
      const other = second[name]!;
      if (
        !(
          tensor.size === other.size &&
          tensor.data.every((v: unknown, i: number) => Object.is(v, other.data[i]))
        )
      )
        return `${name} differs at the second run`;
    }
    return null;
  } finally {
    session.dispose();
  }
}

function passesFault(model: Model, feeds: Feeds, judge: Judge, source: Random): string | null {
  const names = Object.keys(passes);
  const copy = clone(model);
  const done: string[] = [];
  for (let i = 1 + source.below(5); i > 0; i--) {
    const name = names[source.below(names.length)]!;
    done.push(name);
    const found = tried(`pass ${done.join(' → ')}`, () => {
      passes[name]!(copy, source);
      verify(copy);
      return judge(interpret(copy, feeds));
    });
    if (found !== null) return found;
  }
  return null;
}

function tried(what: string, run: () => string | null): string | null {
  try {
    const found = run();
    return found === null ? null : `${what}: ${found}`;
  } catch (error) {
    const stack =
      error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 6).join('\n') : '';
    return `${what} throws ${stack}`;
  }
}

function differs(got: Data | undefined, { tensor, noise }: Known): string | null {
  if (!(got instanceof Tensor)) return 'no tensor';
  if (got.type !== tensor.type) return `${got.type}, expected ${tensor.type as DType}`;
  if (`${got.dims}` !== `${tensor.dims}`) return `[${got.dims}], expected [${tensor.dims}]`;
  const distance = farthest(got, tensor);
  if (distance <= noise) return null;
  return `${distance} off, expected at most ${noise}`;
}
