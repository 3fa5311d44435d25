import type { EvaluateContext } from './evaluator.ts';
import { tanh } from './functions.ts';
import { unsupported } from './operands.ts';

export type Each = (values: Float64Array) => Float64Array;

/** The function in the cells of TFLite's recurrent operators, as `mp` operators say it. */
export function cellActivation(c: EvaluateContext): Each {
  switch (c.attributes.string('activation', 'none')) {
    case 'none':
      return (x) => x;
    case 'Relu':
      return (x) => x.map((v) => Math.max(v, 0));
    case 'Clip': {
      const low = c.attributes.float('activation_min', -Infinity);
      const high = c.attributes.float('activation_max', Infinity);
      return (x) => x.map((v) => Math.min(Math.max(v, low), high));
    }
    case 'Tanh':
      return tanh;
    default:
      throw unsupported(c, 'this activation is not one of a cell');
  }
}
