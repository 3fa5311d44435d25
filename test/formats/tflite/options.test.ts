import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '../../../src/core/errors.ts';
import { optionsOf } from '../../../src/formats/tflite/options.ts';

const x = suite('tflite options');

x('scalars that a file leaves out have the default of the schema', () => {
  // Defaults by schema.fbs: factors 1, all else 0.
  const value = { strideW: 2, strideH: 3 };
  const options = optionsOf({ builtinOptions: { type: 'Conv2DOptions', value } }, 'Conv2DOptions');
  assert.equal(options, {
    padding: 0,
    strideW: 2,
    strideH: 3,
    fusedActivationFunction: 0,
    dilationWFactor: 1,
    dilationHFactor: 1,
    quantizedBiasType: 0,
  });
  // Typed: a number, never undefined.
  const factor: number = options.dilationWFactor;
  assert.is(factor, 1);
});

x('64-bit integers are bigints, flags booleans, lists stay absent', () => {
  assert.equal(optionsOf({}, 'RandomOptions'), { seed: 0n, seed2: 0n });
  assert.equal(optionsOf({}, 'GeluOptions'), { approximate: false });
  assert.equal(optionsOf({}, 'AddOptions'), { fusedActivationFunction: 0, potScaleInt16: true });
  assert.equal(optionsOf({}, 'SqueezeOptions'), {});
  const dimension = 3n;
  assert.equal(
    optionsOf(
      { builtinOptions2: { type: 'StablehloConcatenateOptions', value: { dimension } } },
      'StablehloConcatenateOptions',
    ),
    { dimension },
  );
});

x('options of another kind are an error', () => {
  const operator = { builtinOptions: { type: 'AddOptions', value: {} } } as const;
  assert.throws(
    () => optionsOf(operator, 'Pool2DOptions'),
    (error: unknown) => error instanceof FormatError && error.code === 'E_TFLITE_OPTIONS',
  );
});

x.run();
