import { pathToFileURL } from 'node:url';
import { random } from '../../src/core/random.ts';
import { readModel } from '../../src/formats/index.ts';
import { inputsOf, randomFeeds } from '../../src/runtime/inputs.ts';
import { createSession } from '../../src/runtime/session.ts';
import { type FuzzTarget, fuzz, fuzzOptions, report } from './fuzz.ts';
import { onnxTarget } from './onnx.ts';

/** Elements of an input, at most: what is fed must not be what takes long. */
const mostElements = 2 ** 14;

/** Runs a model of bytes on random inputs: anything but one of our errors is a bug. */
async function runAnything(bytes: Uint8Array): Promise<void> {
  const model = await readModel(bytes, { format: 'onnx' });
  const inputs = inputsOf(model);
  for (const { dims } of inputs) {
    const size = (dims ?? []).reduce<number>(
      (n, dim) => n * (typeof dim === 'number' ? dim : 1),
      1,
    );
    if (size > mostElements) return;
  }
  const session = createSession(model);
  try {
    session.run(randomFeeds(inputs, {}, random(1)));
  } finally {
    session.dispose();
  }
}

/** Mutated models into sessions. */
export function sessionTarget(): FuzzTarget {
  return { ...onnxTarget(runAnything), name: 'session', mayTakeLong: true };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const target = sessionTarget();
  console.log(report(target, await fuzz(target, fuzzOptions(process.argv.slice(2)))));
}
