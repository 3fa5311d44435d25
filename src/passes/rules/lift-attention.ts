import { equalDims } from '../../core/dim.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { withShape } from '../rule-context.ts';
import { tooNew } from './lift-activations.ts';

/** A value times a number, where nothing else reads the product. */
function unscaled(value: Value, node: Node, c: RuleContext): { value: Value; scale: number } {
  const scaling = c.producer(value, 'Mul', 'Div');
  const factor = c.scalar(scaling?.inputs[1]);
  const isFree = scaling !== null && factor !== null && c.isOnlyFor(value, node);
  if (!isFree || !c.sameShape(scaling.inputs[0], value)) return { value, scale: 1 };
  return { value: scaling.inputs[0]!, scale: scaling.op === 'Div' ? 1 / factor : factor };
}

/** Softmax(scale · q·kᵀ + mask), read back. */
interface Scores {
  product: Node;
  mask: Value | null;
  scale: number;
}

function scoresOf(softmax: Node, c: RuleContext): Scores | string | null {
  const [input] = softmax.inputs as [Value];
  const rank = c.rank(input);
  const axis = c.attributes(softmax).int('axis');
  if (rank !== 4 || (axis !== -1 && axis !== rank - 1)) return null;
  const sum = c.producer(input, 'Add');
  const [a, mask] = sum === null ? [input, null] : (sum.inputs as [Value, Value]);
  const reader = sum ?? softmax;
  const { value, scale } = unscaled(a, reader, c);
  const product = c.producer(value, 'MatMul');
  if (product === null) return null;
  const next = value === a ? reader : (a.producer as Node);
  const inner: [Value, Node][] = [
    [input, softmax],
    [a, reader],
    [value, next],
  ];
  if (inner.some(([made, user]) => !c.isOnlyFor(made, user)))
    return 'the scores have another reader';
  if (mask !== null && !isMask(mask, input, c)) return 'what is added to the scores is no mask';
  return { product, mask, scale };
}

/** Rank 2 to 4, of the scores' last two sizes. */
function isMask(mask: Value, scores: Value, c: RuleContext): boolean {
  const [shape, whole] = [c.shape(mask), c.shape(scores)];
  if (shape === null || whole === null || shape.length < 2 || shape.length > 4) return false;
  return [-1, -2].every((at) => equalDims(shape.at(at) ?? null, whole.at(at) ?? null));
}

/** What gives kᵀ: the permutation that gives k instead. */
function keysOf(value: Value, c: RuleContext): { source: Value; perm: number[] } | null {
  const transpose = c.producer(value, 'Transpose');
  const perm = transpose === null ? null : c.attributes(transpose).ints('perm');
  if (transpose === null || perm?.length !== 4) return null;
  const [a, b, d, e] = perm as [number, number, number, number];
  return { source: transpose.inputs[0]!, perm: [a, b, e, d] };
}

/** softmax(q·kᵀ · scale + mask) · v. For files: operators of its own are no faster where products are fused. */
export const liftedAttention: Rule = {
  name: 'lift-attention',
  reason: 'the nodes spell out an operator of ONNX',
  roots: ['MatMul'],
  find: (node, c) => {
    const [weights, v] = node.inputs as [Value, Value];
    const softmax = c.producer(weights, 'Softmax');
    const scores = softmax === null ? null : scoresOf(softmax, c);
    if (scores === null || typeof scores === 'string') return scores;
    if (!c.isOnlyFor(weights, node)) return 'the weights of the values have another reader';
    if (c.dtype(v) !== 'float32' || c.rank(v) !== 4) return 'it has not four axes of float32';
    return lift(node, c, scores, v);
  },
};

function lift(node: Node, c: RuleContext, { product, mask, scale }: Scores, v: Value): Found {
  const why = tooNew('Attention', c);
  if (why !== null) return why;
  const q = unscaled(product.inputs[0]!, product, c);
  const k = unscaled(product.inputs[1]!, product, c);
  const keys = keysOf(k.value, c);
  if (keys === null) return 'the keys are not transposed';
  const [queryShape, keyShape, valueShape] = [q.value, k.value, v].map((x) => c.shape(x));
  const sameHeads = [keyShape, valueShape].every((shape) =>
    [0, 1].every((axis) => equalDims(shape?.[axis] ?? null, queryShape?.[axis] ?? null)),
  );
  if (!sameHeads) return 'queries, keys and values have different batches or heads';
  return () => {
    const shape = keyShape!.with(2, keyShape![3]!).with(3, keyShape![2]!);
    const isPlain = keys.perm.every((axis, at) => axis === at);
    const perm: [string, Attribute] = ['perm', { type: 'ints', value: keys.perm }];
    const turned = { op: 'Transpose', inputs: [keys.source], attributes: [perm] };
    const key = isPlain
      ? keys.source
      : c.insert(node, turned, keys.source.name, withShape(keys.source, shape));
    const inputs = mask === null ? [q.value, key, v] : [q.value, key, v, mask];
    const total = Math.fround(scale * q.scale * k.scale);
    const attributes: [string, Attribute][] = [['scale', { type: 'float', value: total }]];
    c.take(node, { op: 'Attention', inputs, attributes });
  };
}
