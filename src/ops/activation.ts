import type { Node } from '../ir/graph.ts';
import type { Attribute } from '../ir/types.ts';
import type { AttributeSchema } from './op.ts';

/** Functions that an operator of domain `mp` can apply to its result before it stores it. */
export const activationKinds = [
  'none',
  'Relu',
  'Clip',
  'LeakyRelu',
  'HardSwish',
  'HardSigmoid',
  'Sigmoid',
  'Tanh',
  'Silu',
  'Gelu',
  'GeluTanh',
  'Elu',
  'Softplus',
  'Mish',
] as const;

export type ActivationKind = (typeof activationKinds)[number];

/** An activation with its parameters; those that it does not have are what they default to. */
export interface Activation {
  readonly kind: ActivationKind;
  /** Of Clip; −∞ where there is none. */
  readonly min: number;
  /** Of Clip; ∞ where there is none. */
  readonly max: number;
  /** Of LeakyRelu, HardSigmoid and Elu. */
  readonly alpha: number;
  /** Of HardSigmoid. */
  readonly beta: number;
}

/** What `mp` operators with an activation add to their attributes. */
export const activationAttributes: Readonly<Record<string, AttributeSchema>> = {
  activation: { kind: 'string', default: 'none', oneOf: activationKinds },
  activation_min: { kind: 'float' },
  activation_max: { kind: 'float' },
  activation_alpha: { kind: 'float' },
  activation_beta: { kind: 'float' },
};

/** ONNX's defaults. */
const alphas: Readonly<Record<string, number>> = { LeakyRelu: 0.01, HardSigmoid: 0.2, Elu: 1 };
const defaultBeta = 0.5;

/** No activation. */
export const noActivation: Activation = {
  kind: 'none',
  min: -Infinity,
  max: Infinity,
  alpha: 0,
  beta: defaultBeta,
};

/** The activation in a node's attributes; 'none' where it has no such attribute. Constant cost. */
export function activationOf(node: Node): Activation {
  const text = node.attributes.get('activation');
  const kind = activationKinds.find((name) => text?.type === 'string' && text.value === name);
  if (kind === undefined) return noActivation;
  const number = (name: string, fallback: number): number => {
    const attribute = node.attributes.get(`activation_${name}`);
    return attribute?.type === 'float' || attribute?.type === 'int'
      ? Number(attribute.value)
      : fallback;
  };
  return {
    kind,
    min: number('min', -Infinity),
    max: number('max', Infinity),
    alpha: number('alpha', Math.fround(alphas[kind] ?? 0)),
    beta: number('beta', defaultBeta),
  };
}

/** The attributes that say an activation: only what is not its default. */
export function attributesOfActivation(activation: Activation): [string, Attribute][] {
  const { kind, min, max, alpha, beta } = activation;
  if (kind === 'none') return [];
  const attributes: [string, Attribute][] = [['activation', { type: 'string', value: kind }]];
  const add = (name: string, value: number): void => {
    attributes.push([`activation_${name}`, { type: 'float', value }]);
  };
  if (kind === 'Clip' && min !== -Infinity) add('min', min);
  if (kind === 'Clip' && max !== Infinity) add('max', max);
  if (alphas[kind] !== undefined && alpha !== Math.fround(alphas[kind])) add('alpha', alpha);
  if (kind === 'HardSigmoid' && beta !== defaultBeta) add('beta', beta);
  return attributes;
}
