import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { powTo } from './functions.ts';
import { invalid, scalarAt, tensorAt } from './operands.ts';

/** Steps of optimizers, as their pseudo code in the specification has them. */
const domain = 'ai.onnx.preview.training';

interface Step {
  readonly rate: number;
  /** Steps before this one. */
  readonly count: number;
  readonly x: Float64Array;
  /** With that of the regularization. */
  readonly gradient: Float64Array;
  readonly states: readonly Float64Array[];
}

/** @param advance  the new tensor, then its new states */
function optimizer(
  op: string,
  states: number,
  advance: (c: EvaluateContext, step: Step) => readonly Float64Array[],
): Evaluator {
  return {
    op,
    domain,
    evaluate: (c) => {
      const kinds = states + 2;
      const [rate, count] = [scalarAt(c, 0), scalarAt(c, 1)];
      const tensors = (c.inputs.length - 2) / kinds;
      if (!Number.isInteger(tensors) || tensors < 1)
        throw invalid(c, 'E_OP_ARITY', `${c.inputs.length} inputs`);
      const norm = c.attributes.float('norm_coefficient');
      const results: Tensor[] = [];
      for (let t = 0; t < tensors; t++) {
        const own = Array.from({ length: kinds }, (_, kind) => tensorAt(c, 2 + kind * tensors + t));
        if (own.some(({ dims }) => `${dims}` !== `${own[0]!.dims}`))
          throw invalid(c, 'E_SHAPE_MISMATCH', 'a gradient or state has other sizes');
        const [x, g, ...others] = own.map(numbersOf) as [Float64Array, Float64Array];
        const gradient = x.map((v, i) => norm * v + g[i]!);
        const next = advance(c, { rate, count, x, gradient, states: others });
        next.forEach((values, kind) => {
          const like = own[kind === 0 ? 0 : kind + 1]!;
          results[kind * tensors + t] = tensorOf(like.type, values, like.dims);
        });
      }
      return results;
    },
  };
}

const adagrad = optimizer('Adagrad', 1, (c, { rate, count, x, gradient, states: [h] }) => {
  const adjusted = rate / (1 + count * c.attributes.float('decay_factor'));
  const epsilon = c.attributes.float('epsilon');
  const squares = h!.map((v, i) => v + gradient[i]! * gradient[i]!);
  const moved = x.map((v, i) => v - (adjusted * gradient[i]!) / (Math.sqrt(squares[i]!) + epsilon));
  return [moved, squares];
});

const adam = optimizer('Adam', 2, (c, { rate, count, x, gradient, states: [v, h] }) => {
  const [alpha, beta] = [c.attributes.float('alpha'), c.attributes.float('beta')];
  const epsilon = c.attributes.float('epsilon');
  const post = 1 - c.attributes.float('norm_coefficient_post');
  const means = v!.map((own, i) => alpha * own + (1 - alpha) * gradient[i]!);
  const squares = h!.map((own, i) => beta * own + (1 - beta) * gradient[i]! * gradient[i]!);
  const [alphas, betas] = powTo(Float64Array.of(alpha, beta), count) as unknown as [number, number];
  const adjusted = count > 0 ? (rate * Math.sqrt(1 - betas)) / (1 - alphas) : rate;
  const moved = x.map(
    (own, i) => post * (own - (adjusted * means[i]!) / (Math.sqrt(squares[i]!) + epsilon)),
  );
  return [moved, means, squares];
});

const momentum = optimizer('Momentum', 1, (c, { rate, count, x, gradient, states: [v] }) => {
  const alpha = c.attributes.float('alpha');
  const beta = count > 0 ? c.attributes.float('beta') : 1;
  const isNesterov = c.attributes.string('mode') === 'nesterov';
  const means = v!.map((own, i) => alpha * own + beta * gradient[i]!);
  const moved = x.map(
    (own, i) => own - rate * (isNesterov ? gradient[i]! + alpha * means[i]! : means[i]!),
  );
  return [moved, means];
});

export const trainingEvaluators: readonly Evaluator[] = [adagrad, adam, momentum];
