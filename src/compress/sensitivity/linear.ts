import { type Constant, constantOfValue } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { weightSlot } from '../slots.ts';

/** A product with constant weights in a model's main graph. */
export interface LinearLayer {
  /** Name of what it makes: the same in every copy of the model. */
  readonly key: string;
  readonly node: Node;
  readonly weight: Value;
  readonly constant: Constant;
  /** Axis of the weights along which every index makes its own output. */
  readonly channel: number;
  /** Axis of the output that these are along. */
  readonly outputAxis: 'second' | 'last';
  readonly bias: Value | null;
}

const operators: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** All of them, in order. */
export function linearLayers({ graph }: Model): LinearLayer[] {
  return graph.nodes.flatMap((node) => linearLayer(node) ?? []);
}

/** A node as such a product; null where it is none. */
export function linearLayer(node: Node): LinearLayer | null {
  const isKnown = (node.domain === '' || node.domain === 'mp') && operators.has(node.op);
  const weight = node.inputs[1];
  const constant = weight == null || !isKnown ? null : constantOfValue(weight);
  if (weight == null || constant === null) return null;
  const slot = weightSlot(node, 1, constant.shape.length);
  if (slot === null || slot.channel === null) return null;
  const isSpatial = node.op === 'Conv' || node.op === 'ConvTranspose';
  return {
    key: node.outputs[0]!.name,
    node,
    weight,
    constant,
    channel: slot.channel,
    outputAxis: isSpatial && node.domain === '' ? 'second' : 'last',
    bias: node.inputs[2] ?? null,
  };
}
