import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../../src/core/tensor.ts';
import { readModel } from '../../../src/formats/index.ts';
import { verify } from '../../../src/ir/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { tfliteReferences } from '../../tflite-refs.ts';

/** Outputs of TFLite files in our sessions, against what other runtimes made of the same inputs. */

interface Tolerance {
  /** Of real outputs: share of the largest one. Default 10⁻⁴. */
  real?: number;
  /** Of integer outputs: largest difference (default 1), and share of those that differ (default 1 %). */
  levels?: number;
  share?: number;
}

const hybrid = { real: 0.01 };
/** One level in an output with so few elements is more than 1 % of them. */
const few = { share: 1 };

const tolerances: Readonly<Record<string, Tolerance>> = {
  // Weights are integers, activations are quantized at run time: runtimes differ by up to 1 %.
  'mlperf-tiny/kws_dscnn_fp32.tflite': hybrid,
  'ai-edge-quantizer/partly_quantized_mnist.tflite': hybrid,
  'litert/qwen_fc_blockwise_quantized.tflite': hybrid,
  'mlperf-tiny/ic_resnet8_int8.tflite': few,
  'mlperf-tiny/vww_mobilenet_int8.tflite': few,
  'tflm/person_detect.tflite': few,
  'ai-edge-quantizer/two_signatures_a8w8.tflite': few,
  // Classes, where two are close.
  'coral/deeplabv3_mnv2_dm05_pascal_quant.tflite': { levels: 255 },
};

/** The second case of these runs as long as the first, and tests nothing else. */
const long = /mobilenet|deeplab|selfie|RFB|person|resnet/;

const references = suite('tflite references');
const seen = new Set<string>();

for (const { model: path, bytes, input, inputs, outputs } of tfliteReferences()) {
  if (seen.has(path) && long.test(path)) continue;
  seen.add(path);
  references(`${path}, ${input} input`, async () => {
    const model = await readModel(bytes);
    verify(model);
    const session = await createSession(model);
    const feeds = Object.fromEntries(session.inputs.map(({ name }, i) => [name, inputs[i]!]));
    const results = await session.run(feeds);
    outputs.forEach((wanted, i) => {
      const name = session.outputs[i]!.name;
      if (wanted !== null) compare(results[name] as Tensor, wanted, tolerances[path] ?? {}, name);
    });
    session.dispose();
  });
}

references.run();

function compare(got: Tensor, wanted: Tensor, tolerance: Tolerance, name: string): void {
  assert.equal(got.dims, wanted.dims, `${name}: shape`);
  const numbers = ({ data }: Tensor): number[] =>
    Array.from<number | bigint | string, number>(data as Iterable<number | bigint>, Number);
  const [a, b] = [numbers(got), numbers(wanted)];
  let worst = 0;
  let largest = 0;
  let differing = 0;
  b.forEach((value, i) => {
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    if (Object.is(a[i], value) || a[i] === value) return;
    differing++;
    const difference = Math.abs(a[i]! - value);
    worst = Math.max(difference, worst);
  });
  if (got.type === 'float32') {
    const { real = 1e-4 } = tolerance;
    assert.ok(worst <= real * largest, `${name}: off by ${worst} of ${largest}`);
    return;
  }
  const { levels = 1, share = 0.01 } = tolerance;
  assert.ok(worst <= levels, `${name}: off by ${worst} levels`);
  assert.ok(differing <= share * b.length, `${name}: ${differing} of ${b.length} differ`);
}
