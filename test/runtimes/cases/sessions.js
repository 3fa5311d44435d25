import { calibrate, compress } from 'modelpress/compress';
import { readModel, writeModel } from 'modelpress/formats';
import { createSession } from 'modelpress/runtime';
import { bytesLike, gaussianLike } from './data.js';
import * as inputs from './inputs.js';

const floats = (seed, ...dims) => ({
  type: 'float32',
  data: gaussianLike(
    dims.reduce((product, size) => product * size, 1),
    seed,
  ),
  dims,
});
/** Levels of any value. */
const levels = (type, seed, ...dims) => {
  const bytes = bytesLike(
    dims.reduce((product, size) => product * size, 1),
    seed,
  );
  return { type, data: type === 'int8' ? new Int8Array(bytes.buffer) : bytes, dims };
};
const rate = { type: 'int64', data: BigInt64Array.of(16000n), dims: [] };

/** Outputs of models: real ones out of npm packages, small ones of fixtures.ts, and, under names that begin with
 *  `extra`, real ones that are not everywhere: those must be the same too, but are left out of the digest. */
export const sessionCases = {
  'calibration of text direction': calibration,
  'static int8 of text direction': staticInt8,
  'session: text direction': () => run(inputs.classifier(), { x: floats(1, 1, 3, 48, 192) }),
  'session: text direction, int8 weights': async () => {
    const { model } = await compress(await readModel(inputs.classifier()), { quantize: 'int8' });
    return run(await writeModel(model), { x: floats(2, 1, 3, 48, 96) });
  },
  'session: Silero legacy': () =>
    run(inputs.sileroLegacy(), {
      input: floats(3, 1, 1536),
      sr: rate,
      h: floats(4, 2, 1, 64),
      c: floats(5, 2, 1, 64),
    }),
  'session: Silero 5': () =>
    run(inputs.silero5(), { input: floats(6, 1, 512), state: floats(7, 2, 1, 128), sr: rate }),
  'session: transformer': () => run(inputs.transformer(), { x: floats(8, 2, 7, 32) }),
  'session: quantized convolution': () => run(inputs.quantized(), { x: floats(9, 1, 8, 12, 12) }),
  'session: GRU and LSTM': () => run(inputs.recurrent(), { x: floats(10, 9, 2, 10) }),
  'session: sizes that depend on data': () => run(inputs.controlled(), { x: floats(11, 4, 9) }),
  'session: pictures': () => run(inputs.pictures(), { x: floats(12, 1, 3, 20, 24) }),
  'session: half precision': () => run(inputs.halves(), { x: floats(13, 5, 24) }),
  'session: TFLite, int8': () => run(inputs.tfliteInt8(), { 0: levels('int8', 18, 1, 24, 20, 3) }),
  'session: TFLite, uint8': () =>
    run(inputs.tfliteUint8(), { 0: levels('uint8', 19, 1, 24, 20, 3) }),
  ...extra('persons', { 0: levels('int8', 20, 1, 96, 96, 3) }),
  ...extra('keywords', { 0: levels('int8', 21, 1, 49, 10, 1) }),
  ...extra('pictures8', { 0: levels('int8', 22, 1, 32, 32, 3) }),
  ...extra('machines', { 0: levels('int8', 23, 1, 640) }),
  ...extra('resnet20', { input: floats(14, 1, 3, 32, 32) }),
  ...extra('mnist', { 0: floats(15, 1, 1, 28, 28) }),
  ...extra('faces', { 0: floats(16, 1, 3, 240, 320) }),
  ...extra('superResolution', { 0: floats(17, 1, 1, 224, 224) }),
};

/** A case if the model is there. */
function extra(name, feeds) {
  const bytes = Object.entries(inputs).find(([known]) => known === name)?.[1];
  return bytes === undefined ? {} : { [`extra session: ${name}`]: () => run(bytes(), feeds) };
}

/** Names, types, sizes and elements of all outputs; feeds by name, or by position. */
async function run(bytes, feeds) {
  const session = createSession(await readModel(bytes));
  const named = Object.entries(feeds).map(([name, tensor]) => [
    /^\d$/.test(name) || !session.inputs.some((input) => input.name === name)
      ? session.inputs[0].name
      : name,
    tensor,
  ]);
  try {
    return Object.entries(session.run(Object.fromEntries(named))).flatMap(
      ([name, { type, dims, data }]) => [`${name} ${type} ${dims}`, data],
    );
  } finally {
    session.dispose();
  }
}

/** A model that calibration made integers of, and what it gives. */
async function staticInt8() {
  const samples = [1, 2, 3].map((seed) => ({ x: floats(seed, 1, 3, 48, 192) }));
  const model = await readModel(inputs.classifier());
  const { model: small } = await compress(model, {
    quantize: 'int8',
    calibration: samples,
    force: true,
  });
  const bytes = await writeModel(small);
  return [bytes, await run(bytes, { x: floats(4, 1, 3, 48, 192) })];
}

/** Ranges of some values by every method. */
async function calibration() {
  const model = await readModel(inputs.classifier());
  const values = model.graph.nodes
    .slice(0, 6)
    .flatMap(({ outputs }) => outputs.map(({ name }) => name));
  const samples = [1, 2].map((seed) => ({ x: floats(seed, 1, 3, 48, 192) }));
  const ranges = [];
  for (const method of ['minmax', 'moving-average', 'percentile', 'entropy', 'mse']) {
    const found = await calibrate(model, samples, values, { method });
    for (const { min, max } of found.values()) ranges.push(min, max);
  }
  return ranges;
}
