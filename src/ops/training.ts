import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { tensor } from './rules.ts';

/** Steps of optimizers, of domain ai.onnx.preview.training: learning rate, count of steps, then all tensors, all their
 *  gradients, and each kind of state. */

const factor = { kind: 'float', default: 0 } as const;

/** New tensors and states: all that is fed but rate, count and gradients. */
function step(
  name: string,
  states: number,
  attributes: Readonly<Record<string, AttributeSchema>>,
): Op {
  const kinds = states + 2;
  return {
    name,
    domain: 'ai.onnx.preview.training',
    inputs: [2 + kinds, Infinity],
    outputs: [1 + states, Infinity],
    attributes: { norm_coefficient: factor, ...attributes },
    infer: (c: InferContext): OutputInfo[] => {
      const count = Math.floor((c.node.inputs.length - 2) / kinds);
      return c.node.outputs.map((_, index) => {
        const input = 2 + index + (index < count ? 0 : count);
        return tensor(c.dtype(input), c.shape(input));
      });
    },
  };
}

export const trainingOps: readonly Op[] = [
  step('Adagrad', 1, { decay_factor: factor, epsilon: { kind: 'float', default: 1e-6 } }),
  step('Adam', 2, {
    alpha: { kind: 'float', default: 0.9 },
    beta: { kind: 'float', default: 0.999 },
    epsilon: { kind: 'float', default: 1e-6 },
    norm_coefficient_post: factor,
  }),
  step('Momentum', 1, {
    alpha: { kind: 'float', required: true },
    beta: { kind: 'float', required: true },
    mode: { kind: 'string', required: true, oneOf: ['standard', 'nesterov'] },
    norm_coefficient: { kind: 'float', required: true },
  }),
];
