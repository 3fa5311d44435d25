import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { Quantization } from '../../ir/types.ts';
import { saidQuantization } from '../../passes/quantization-of.ts';

/** A value that is computed on the way, where two models can be compared. */
export interface Point {
  /** What is looked at: behind QuantizeLinear and DequantizeLinear, so that kernels on integers stay. */
  readonly value: Value;
  /** Names that the value has in forms of the model: real, as integers, dequantized. */
  readonly names: readonly string[];
  /** What makes it. */
  readonly node: Node;
  /** As which integers it is stored. */
  readonly quantization: Quantization | null;
}

/** All of them in the main graph, in its order: floats, quantized ones once. */
export function pointsOf({ graph }: Model): Point[] {
  const points: Point[] = [];
  const fixed = fixedNodes(graph.nodes);
  for (const node of graph.nodes) {
    if (fixed.has(node) || isOp(node, 'QuantizeLinear')) continue;
    if (isOp(node, 'DequantizeLinear')) {
      const point = dequantized(node);
      if (point !== null) points.push(point);
      continue;
    }
    for (const value of node.outputs) {
      if (!isReal(value) || value.uses.size === 0 || isOnlyQuantized(value)) continue;
      const { quantization } = value;
      points.push({ value, names: [value.name], node, quantization });
    }
  }
  return points;
}

function isOp({ op, domain }: Node, name: string): boolean {
  return op === name && domain === '';
}

/** Nodes whose results are the same whatever the inputs are: weights, sizes. */
function fixedNodes(nodes: readonly Node[]): Set<Node> {
  const fixed = new Set<Node>();
  for (const node of nodes) {
    const isFixed = node.inputs.every(
      (value) =>
        value === null ||
        constantOfValue(value) !== null ||
        (value.producer !== null && fixed.has(value.producer)),
    );
    const hasBody = [...node.attributes.values()].some(({ type }) => type.startsWith('graph'));
    if (isFixed && !hasBody) fixed.add(node);
  }
  return fixed;
}

function dequantized(node: Node): Point | null {
  const [output, stored] = [node.outputs[0]!, node.inputs[0]];
  if (stored == null || output.uses.size === 0 || !isReal(output)) return null;
  const quantizer = stored.producer;
  const quantization = saidQuantization(node) ?? output.quantization;
  if (quantizer === null || !isOp(quantizer, 'QuantizeLinear'))
    return { value: output, names: [output.name], node: quantizer ?? node, quantization };
  const real = quantizer.inputs[0]!;
  const names = [real.name, output.name, stored.name];
  return { value: output, names, node: real.producer ?? quantizer, quantization };
}

/** Whether nothing reads a value but what quantizes it. */
function isOnlyQuantized({ uses }: Value): boolean {
  for (const { user } of uses)
    if (!(user instanceof Node) || !isOp(user, 'QuantizeLinear')) return false;
  return true;
}

function isReal({ type }: Value): boolean {
  return type?.kind === 'tensor' && (type.dtype === 'float32' || type.dtype === 'float16');
}
