import type { Known } from './maker.ts';
import { type Body, nameOf, pruned, type Recipe, type Step } from './recipe.ts';

/** A smaller recipe that still fails: with one output, and with values that are fed instead of computed. */
export function minimized(
  recipe: Recipe,
  known: ReadonlyMap<number, Known>,
  fails: (recipe: Recipe) => boolean,
): Recipe {
  let best = recipe;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(best, known)) {
      if (!fails(candidate)) continue;
      best = candidate;
      isSmaller = true;
      break;
    }
  }
  return best;
}

function* smaller(recipe: Recipe, known: ReadonlyMap<number, Known>): Generator<Recipe> {
  if (recipe.outputs.length > 1) {
    for (const id of recipe.outputs) yield pruned({ ...recipe, outputs: [id] });
    for (const id of recipe.outputs)
      yield pruned({ ...recipe, outputs: recipe.outputs.filter((other) => other !== id) });
  }
  for (const { inputs } of recipe.steps.toReversed()) {
    // An earlier value as the only output.
    for (const id of inputs) {
      if (id === null || recipe.constants.has(id) || recipe.feeds.has(id)) continue;
      const earlier = pruned({ ...recipe, outputs: [id] });
      if (earlier.steps.length < recipe.steps.length) yield earlier;
    }
  }
  for (const step of recipe.steps) {
    if (step.outputs.some((id) => recipe.outputs.includes(id))) continue;
    const feeds = new Map(recipe.feeds);
    for (const id of step.outputs) feeds.set(id, known.get(id)!.tensor);
    const steps = recipe.steps.filter((other) => other !== step);
    yield pruned({ ...recipe, feeds, steps });
  }
  if (recipe.declared !== 'sizes') yield { ...recipe, declared: 'sizes' };
}

/** What one needs to write the graph down. */
export function describe({ feeds, constants, steps, outputs, declared }: Recipe): string {
  const lines: string[] = [`sizes of inputs are declared as ${declared}`];
  for (const [id, { type, dims }] of feeds) lines.push(`${nameOf(id)} = input ${type} [${dims}]`);
  for (const [id, tensor] of constants) {
    const { type, dims, size } = tensor;
    const few = size <= 12 ? ` ${Array.from(tensor.data as Float32Array, String).join(' ')}` : '';
    lines.push(`${nameOf(id)} = constant ${type} [${dims}]${few}`);
  }
  lines.push(...steps.flatMap((step) => linesOf(step, '')));
  lines.push(`outputs ${outputs.map(nameOf).join(' ')}`);
  return lines.join('\n');
}

function linesOf(step: Step, indent: string): string[] {
  const { op, inputs, outputs, attributes = {}, bodies = {} } = step;
  const operands = inputs.map((id) => (id === null ? '–' : nameOf(id))).join(', ');
  const settings = Object.entries(attributes).map(
    ([name, { value }]) => `${name}=${String(value)}`,
  );
  const head = `${indent}${outputs.map(nameOf).join(', ')} = ${op}(${operands}) ${settings.join(' ')}`;
  const inner = Object.entries(bodies).flatMap(([name, body]: [string, Body]) => [
    `${indent}  ${name}(${body.inputs.map(({ id }) => nameOf(id)).join(', ')}):`,
    ...body.steps.flatMap((own) => linesOf(own, `${indent}    `)),
    `${indent}    → ${body.outputs.map(nameOf).join(', ')}`,
  ]);
  return [head.trimEnd(), ...inner];
}
