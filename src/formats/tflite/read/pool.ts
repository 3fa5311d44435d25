import type { OptionsOf } from '../options.ts';
import { giveActivated } from './activation.ts';
import { autoPad } from './conv.ts';
import type { OperatorReader, Row } from './operator.ts';
import type { Attributes } from './values.ts';

function window(options: OptionsOf<'Pool2DOptions'>): Attributes {
  return {
    kernel_shape: [options.filterHeight ?? 0, options.filterWidth ?? 0],
    strides: [options.strideH ?? 0, options.strideW ?? 0],
    auto_pad: autoPad(options.padding),
  };
}

const pool =
  (op: string): Row =>
  (o) => {
    const options = o.options('Pool2DOptions');
    giveActivated(o, op, [o.input(0)], window(options), options.fusedActivationFunction);
  };

/** √ of the mean of squares over what the window covers. */
function l2Pool(o: OperatorReader): void {
  const options = o.options('Pool2DOptions');
  const x = o.input(0);
  const mean = o.add('mp.AveragePool', [o.add('Mul', [x, x])], window(options));
  giveActivated(o, 'Sqrt', [mean], {}, options.fusedActivationFunction);
}

export const poolRows: Readonly<Record<string, Row>> = {
  AVERAGE_POOL_2D: pool('mp.AveragePool'),
  MAX_POOL_2D: pool('mp.MaxPool'),
  L2_POOL_2D: l2Pool,
};
