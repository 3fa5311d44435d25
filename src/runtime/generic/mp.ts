import { UnsupportedError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { describe } from '../../ir/edit.ts';
import { elu, hardSigmoid, leaky } from './cell-functions.ts';
import { numbersOf, pick, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { gelu, geluTanh, mish, sigmoid, softplus, tanh } from './functions.ts';
import { broadcastDims, broadcastOffsets, stridesOf, viewOffsets } from './indexing.ts';
import { optionalAt, tensorAt } from './operands.ts';

/** Operators of domain `mp`: those of ONNX on channels-last tensors, with an activation. */

/** Axes in another order. */
function turned(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.dims);
  const dims = order.map((axis) => x.dims[axis]!);
  const own = order.map((axis) => strides[axis]!);
  return pick(x, viewOffsets(dims, own), dims);
}

/** [N, …, C] → [N, C, …] */
export function channelsFirst(x: Tensor): Tensor {
  const rank = x.dims.length;
  return turned(x, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]);
}

/** [N, C, …] → [N, …, C] */
export function channelsLast(x: Tensor): Tensor {
  const rank = x.dims.length;
  return turned(x, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]);
}

type Each = (values: Float64Array) => Float64Array;

function activationOf(c: EvaluateContext): Each | null {
  const number = (name: string, otherwise: number): number =>
    c.attributes.float(`activation_${name}`, otherwise);
  switch (c.attributes.string('activation', 'none')) {
    case 'none':
      return null;
    case 'Relu':
      return (x) => x.map((v) => Math.max(v, 0));
    case 'Clip': {
      const [low, high] = [number('min', -Infinity), number('max', Infinity)];
      return (x) => x.map((v) => Math.min(Math.max(v, low), high));
    }
    case 'LeakyRelu': {
      const slope = leaky(number('alpha', 0.01));
      return (x) => x.map((v) => slope(v));
    }
    case 'HardSigmoid': {
      const line = hardSigmoid(number('alpha', 0.2), number('beta', 0.5));
      return (x) => x.map((v) => line(v));
    }
    case 'Elu': {
      const curve = elu(number('alpha', 1));
      return (x) => x.map((v) => curve(v));
    }
    case 'HardSwish': {
      const line = hardSigmoid(1 / 6, 0.5);
      return (x) => x.map((v) => v * line(v));
    }
    case 'Sigmoid':
      return sigmoid;
    case 'Tanh':
      return tanh;
    case 'Silu':
      return (x) => {
        const gates = sigmoid(x);
        return x.map((v, i) => v * gates[i]!);
      };
    case 'Gelu':
      return gelu;
    case 'GeluTanh':
      return geluTanh;
    case 'Softplus':
      return softplus;
    case 'Mish':
      return mish;
    default:
      throw new UnsupportedError('an activation that is not known', {
        code: 'E_OP_VARIANT',
        where: describe(c.node),
      });
  }
}

function activated(c: EvaluateContext, y: Tensor, addend?: Tensor): Tensor {
  const activation = activationOf(c);
  if (activation === null && addend === undefined) return y;
  let values = numbersOf(y);
  if (addend !== undefined) {
    const other = numbersOf(addend);
    const offsets = broadcastOffsets(addend.dims, y.dims);
    values = values.map((v, i) => v + other[offsets[i]!]!);
  }
  return tensorOf(y.type, activation === null ? values : activation(values), y.dims);
}

/** An operator of ONNX on images with channels last. */
function spatial(base: Evaluator): Evaluator {
  const hasActivation = base.op === 'Conv' || base.op === 'ConvTranspose';
  return {
    op: base.op,
    domain: 'mp',
    evaluate: (c) => {
      const inputs = c.inputs.slice(0, base.op === 'Conv' ? 3 : undefined);
      inputs[0] = channelsFirst(tensorAt(c, 0));
      const [first] = base.evaluate({ ...c, inputs });
      const y = channelsLast(first as Tensor);
      return [
        hasActivation ? activated(c, y, base.op === 'Conv' ? optionalAt(c, 3) : undefined) : y,
      ];
    },
  };
}

/** An elementwise operator with an activation. */
function elementwise(base: Evaluator): Evaluator {
  return {
    op: base.op,
    domain: 'mp',
    evaluate: (c) => [activated(c, base.evaluate(c)[0] as Tensor)],
  };
}

function lastTwoExchanged(x: Tensor, isExchanged: boolean): Tensor {
  const rank = x.dims.length;
  if (!isExchanged || rank < 2) return x;
  const order = Array.from({ length: rank }, (_, i) => i);
  return turned(x, [...order.slice(0, -2), rank - 1, rank - 2]);
}

function matmul(base: Evaluator): Evaluator {
  return {
    op: 'MatMul',
    domain: 'mp',
    evaluate: (c) => {
      const inputs = [
        lastTwoExchanged(tensorAt(c, 0), c.attributes.int('transA', 0) !== 0),
        lastTwoExchanged(tensorAt(c, 1), c.attributes.int('transB', 0) !== 0),
      ];
      const product = base.evaluate({ ...c, inputs })[0] as Tensor;
      const alpha = c.attributes.float('alpha', 1);
      const scaled =
        alpha === 1
          ? product
          : tensorOf(
              product.type,
              numbersOf(product).map((v) => alpha * v),
              product.dims,
            );
      const bias = optionalAt(c, 2);
      if (bias !== undefined) broadcastDims([scaled.dims, bias.dims]);
      return [activated(c, scaled, bias)];
    },
  };
}

const images = [
  ...['Conv', 'ConvTranspose', 'MaxPool', 'AveragePool', 'LpPool', 'GlobalAveragePool'],
  ...['GlobalMaxPool', 'BatchNormalization', 'InstanceNormalization', 'GroupNormalization'],
  ...['DepthToSpace', 'SpaceToDepth'],
];

/** Made of the evaluators of ONNX's operators. */
export function mpEvaluators(table: readonly Evaluator[]): Evaluator[] {
  const find = (op: string): Evaluator =>
    table.find((item) => item.op === op && (item.domain ?? '') === '')!;
  return [
    ...images.map((op) => spatial(find(op))),
    ...['Add', 'Sub', 'Mul'].map((op) => elementwise(find(op))),
    matmul(find('MatMul')),
  ];
}
