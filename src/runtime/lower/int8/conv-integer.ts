import { convGeometry } from '../../../kernels/geometry.ts';
import { convolve } from '../../../kernels/int8/conv-run.ts';
import { packConv } from '../../../kernels/int8/conv-weights.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { panelBytes } from '../../../kernels/int8/panels.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { align, numbersOf, product } from '../operands.ts';
import { windowNumbers } from '../window.ts';
import { lastLevels, packObject } from './weights.ts';

const is8 = (storage: string | undefined): boolean => storage === 'int8' || storage === 'uint8';

/** Levels convolved with constant levels, channels first, to int32: turned to channels last and back around the kernel.
 *  The zero point of x is read at every run, that of w is a constant. */
function lowerConvInteger(c: LowerContext): Lowered | null {
  const [x, w, xZero, wZero] = c.inputs;
  const [y] = c.outputs;
  if (x == null || w == null || y == null || !w.constant || x.size === 0 || y.size === 0)
    return null;
  if (!is8(x.storage) || !is8(w.storage) || x.quantization !== null || w.quantization !== null)
    return null;
  if (xZero != null && xZero.size !== 1) return null;
  const [outputs, inputs, ...kernel] = w.dims as [number, number, ...number[]];
  const given = wZero == null ? [0] : numbersOf(c, 3);
  if (given === null || (given.length !== 1 && given.length !== outputs)) return null;
  const [batch, channels, ...spatial] = x.dims as [number, number, ...number[]];
  const window = windowNumbers(c.attributes, spatial, kernel);
  if (window.pads.some((pad) => pad < 0)) return null;
  const groups = c.attributes.int('group', 1);
  const shape = [batch, ...spatial, channels];
  const weightShape = [outputs, ...kernel, inputs];
  const geometry = convGeometry({ ...window, shape, weightShape, groups });
  const chosen = engine();
  const { simd, arena } = c.backend;
  const taps = product(kernel);
  const sizes = { outputs, inputs, taps, groups };
  const panels =
    panelBytes(chosen, outputs / groups, taps, inputs) + panelBytes(chosen, 1, taps, inputs);
  const bytes = groups * (panels + 128) + 4 * (outputs + 8) * (taps + 1) + 128;
  const zeros = Int32Array.from({ length: outputs }, (_, i) => given[given.length === 1 ? 0 : i]!);
  const packed = packObject(c, `conv integer ${groups} ${given.join(' ')}`, 1, bytes, (take) =>
    packConv(chosen, take, lastLevels(c, outputs, inputs, taps), sizes, zeros),
  );
  const [places, pixels] = [product(spatial), product(geometry.output)];
  const turnedBytes = align(x.size);
  const isUnsigned = x.storage === 'uint8';
  return {
    kernel: `q8_conv integer ${chosen.mode}`,
    reads: xZero == null ? [0] : [0, 2],
    scratchBytes: turnedBytes + align(4 * y.size),
    bind(at) {
      const [source, target] = [at.input(0), at.output(0)];
      const zeroAt = xZero == null ? null : at.input(2);
      const [turned, sums] = [at.scratch, at.scratch + turnedBytes];
      const weights = packed();
      return () => {
        const { u8, i8 } = arena.views();
        const zero = zeroAt === null ? 0 : (isUnsigned ? u8 : i8)[zeroAt]!;
        const image = channels * places;
        simd.x8_copy(source, turned, 1, batch, places, channels, 0, image, 1, places);
        const levels = { address: turned, unsigned: isUnsigned };
        convolve(levels, weights, geometry, zero, null, (from, first, count) => {
          const to = sums + 4 * first * outputs;
          arena.views().u8.copyWithin(to, from, from + 4 * count * outputs);
        });
        simd.x32_copy(sums, target, 1, batch, outputs, pixels, 0, outputs * pixels, 1, outputs);
      };
    },
  };
}

export const int8ConvIntegerLowerings: readonly Lowering[] = [
  { op: 'ConvInteger', lower: lowerConvInteger },
];
