import { ModelpressError, UnsupportedError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { ops } from '../../src/ops/index.ts';
import { inferShapes } from '../../src/passes/shapes.ts';
import type { Data } from '../../src/runtime/data.ts';
import { onnxCases } from '../onnx-cases.ts';
import { runner } from '../ort.ts';
import { type DecodedCase, decodeCase, verdict } from '../runtime/conformance.ts';

/** ONNX's cases, written in older operator sets and run by onnxruntime against their published outputs:
 *  `tsx test/sweep/opsets.ts [OPSET…] [--only TEXT] [--verbose]`. */

const args = process.argv.slice(2);
const isVerbose = args.includes('--verbose');
const only = args.includes('--only') ? args[args.indexOf('--only') + 1]! : '';
const wished = args.filter((text) => /^\d+$/.test(text)).map(Number);
const targets = wished.length > 0 ? wished : [21, 17, 13, 11, 9, 7];

/** Types that onnxruntime-node's binding passes on; it ends the process on others. */
const binding = /^(float32|float64|float16|u?int(8|16|32|64)|bool|string)$/;
const unfit = 'of types that the binding does not pass on';

type Outcome = 'equal' | 'refused' | 'not run' | 'wrong' | 'broken';

/** What onnxruntime makes of a model; null where it can't run it, with the reason. */
async function run(bytes: Uint8Array, decoded: DecodedCase): Promise<string | null> {
  for (const data of [...Object.values(decoded.feeds), ...Object.values(decoded.expected)])
    if (!(data instanceof Tensor) || !binding.test(data.type)) return unfit;
  const loaded = await runner.load(bytes);
  try {
    const feeds = decoded.feeds as Record<string, Tensor>;
    const results = (await loaded.run(feeds)) as Record<string, Data>;
    return verdict(results, decoded.expected);
  } finally {
    await loaded.dispose();
  }
}

const table = new Map<number, Map<Outcome, number>>();
const note = (target: number, outcome: Outcome, name: string, why: string): void => {
  const row = table.get(target) ?? new Map<Outcome, number>();
  table.set(target, row.set(outcome, (row.get(outcome) ?? 0) + 1));
  if (isVerbose || outcome === 'wrong' || outcome === 'broken')
    console.log(`${target} ${outcome} ${name}: ${why.replace(/\s+/g, ' ').slice(0, 260)}`);
};

for (const item of onnxCases()) {
  if (only !== '' && !item.name.includes(only)) continue;
  let decoded: DecodedCase;
  let before: string | null;
  try {
    decoded = await decodeCase(item);
    before = await run(item.model, decoded);
  } catch (error) {
    before = `not run as published: ${String(error)}`;
    decoded = await decodeCase(item);
  }
  for (const target of targets) {
    const model = await readModel(item.model, { format: 'onnx' });
    let bytes: Uint8Array;
    try {
      if ((model.opsets.get('') ?? 0) > target) inferShapes(model, ops);
      bytes = await writeModel(model, { opset: target });
    } catch (error) {
      const isReasoned = error instanceof UnsupportedError && error.hint !== undefined;
      const why = error instanceof ModelpressError ? error.message : String(error);
      note(target, isReasoned ? 'refused' : 'broken', decoded.name, why);
      continue;
    }
    try {
      const after = await run(bytes, decoded);
      if (after === null) note(target, 'equal', decoded.name, '');
      else note(target, before === null ? 'wrong' : 'not run', decoded.name, after);
    } catch (error) {
      note(target, 'not run', decoded.name, `${before ?? 'runs as published'}; ${String(error)}`);
    }
  }
}
const outcomes: readonly Outcome[] = ['equal', 'refused', 'not run', 'wrong', 'broken'];
console.log(['opset', ...outcomes].join('\t'));
for (const [target, row] of table)
  console.log([target, ...outcomes.map((outcome) => row.get(outcome) ?? 0)].join('\t'));
