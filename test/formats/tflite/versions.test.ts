import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsupportedError } from '../../../src/core/errors.ts';
import { decodeTflite } from '../../../src/formats/tflite/codec.ts';
import type { ModelRecord, TensorRecord } from '../../../src/formats/tflite/records.ts';
import {
  checkRelease,
  firstRelease,
  isBefore,
  minimumRelease,
} from '../../../src/formats/tflite/releases.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { factsOf, operatorVersion, withVersions } from '../../../src/formats/tflite/versions.ts';
import { tfliteFiles } from './corpus.ts';

const x = suite('tflite versions');

type Tensor = [type: number, shape: number[], scales?: number[], axis?: number] | null;
type Case = [version: number, inputs: Tensor[], outputs: Tensor[], options: object, sparse?: 1];

function record(tensor: Tensor): TensorRecord | null {
  if (tensor === null) return null;
  const [type, shape, scales, axis] = tensor;
  if (scales === undefined) return { type, shape: Int32Array.from(shape) };
  const quantization = { scale: Float32Array.from(scales), quantizedDimension: axis! };
  return { type, shape: Int32Array.from(shape), quantization };
}

// Made by running GetBuiltinOperatorVersion of the reference (op_version.cc), rewritten as JavaScript by a script, on
// random operators: two for each version of each operator.
const cases = JSON.parse(
  readFileSync(new URL('op-versions.json', import.meta.url), 'utf8'),
) as Record<string, Case[]>;

x('versions are those of the reference', () => {
  let count = 0;
  for (const [operator, list] of Object.entries(cases)) {
    for (const [version, ins, outs, options, sparse] of list) {
      const inputs = ins.map(record);
      if (sparse === 1) inputs[1]!.sparsity = {};
      const outputs = outs.map((tensor) => record(tensor)!);
      const got = operatorVersion({ operator, inputs, outputs, options });
      assert.is(got, version, `${operator} ${JSON.stringify([ins, outs, options])}`);
      count++;
    }
  }
  assert.ok(count > 650, `${count}`);
});

/** Files whose makers don't set versions: a quantizer that edits files, and hand-made ones. */
const careless =
  /^(ai-edge-quantizer|mediapipe)\/|_a8w8_recipe_|_quant\.tflite$|quantized_ops|static_w8_a16|redux_precision|person_detect/;

x('operators of real files have the versions that we would give them', () => {
  let same = 0;
  for (const { name, bytes } of tfliteFiles()) {
    const { operatorCodes = [], subgraphs = [] } = decodeTflite(bytes);
    const needed = operatorCodes.map(() => 0);
    for (const { operators = [], tensors = [] } of subgraphs) {
      for (const operator of operators) {
        const index = operator.opcodeIndex ?? 0;
        const version = operatorVersion(factsOf(operator, tensors, operatorCodes[index]!));
        needed[index] = Math.max(needed[index]!, version);
      }
    }
    operatorCodes.forEach(({ version = 1, builtinCode = 0, deprecatedBuiltinCode = 0 }, i) => {
      const operator = builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)];
      if (needed[i] === 0 || operator === 'CUSTOM') return;
      if (version === needed[i]) same++;
      // A converter may have set a version for weights that it then replaced.
      else if (name === 'mlperf-tiny/kws_dscnn_fp32.tflite') assert.is(operator, 'FULLY_CONNECTED');
      else assert.match(name, careless, `${operator} ${version}, ours ${needed[i]}`);
    });
  }
  assert.ok(same === 0 || same > 250, `${same} equal`);
});

x('an operator in two versions gets two codes', () => {
  const tensors: TensorRecord[] = [{ type: 0 }, { type: 9, quantization: {} }];
  const on = (i: number) => ({
    inputs: Int32Array.of(i, i),
    outputs: Int32Array.of(i),
  });
  const model: ModelRecord = {
    operatorCodes: [{}],
    subgraphs: [{ tensors, operators: [on(0), on(1), on(1), on(0)] }],
  };
  const { operatorCodes, subgraphs } = withVersions(model);
  assert.equal(operatorCodes, [{}, { version: 2 }]);
  assert.equal(
    subgraphs![0]!.operators!.map(({ opcodeIndex = 0 }) => opcodeIndex),
    [0, 1, 1, 0],
  );
  // What is right stays as it is, and a version is never lowered.
  const high: ModelRecord = {
    operatorCodes: [{ version: 3 }],
    subgraphs: [{ tensors, operators: [on(0), on(1)] }],
  };
  assert.equal(withVersions(high), high);
});

x('first releases, by runtime_version.cc', () => {
  let count = 0;
  for (const operator of builtinOperators)
    for (let version = 1; version < 30; version++)
      if (firstRelease(operator, version) !== null) count++;
  assert.is(count, 441);
  assert.is(firstRelease('CONV_2D', 1), '1.5');
  assert.is(firstRelease('CONV_2D', 6), '2.9');
  assert.is(firstRelease('BROADCAST_TO', 1), null);
  assert.is(firstRelease('BROADCAST_TO', 2), '2.5');
  assert.is(firstRelease('DELEGATE', 1), null);
  assert.ok(isBefore('2.9', '2.10'));
  assert.ok(!isBefore('2.3.0', '2.3'));
  assert.ok(isBefore('2', '2.0.1'));
});

x('a release that lacks operators is refused with their names and first releases', () => {
  const model: ModelRecord = {
    operatorCodes: [
      { builtinCode: 3, version: 6 },
      { builtinCode: 150, deprecatedBuiltinCode: 127 },
    ],
    subgraphs: [{ operators: [{}, { opcodeIndex: 1 }] }],
  };
  assert.is(builtinOperators[150], 'GELU');
  assert.is(minimumRelease(model), '2.9');
  checkRelease(model, '2.9');
  checkRelease(model, '2.10.1');
  assert.throws(
    () => checkRelease(model, '2.3'),
    (error: unknown) =>
      error instanceof UnsupportedError &&
      error.code === 'E_TFLITE_MIN_RUNTIME' &&
      /CONV_2D version 6 \(since 2\.9\), GELU version 1 \(since 2\.9\)/.test(error.message),
  );
  for (const wrong of ['', '2.x', '2.3.4.5', '-1', '2..3'])
    assert.throws(
      () => checkRelease(model, wrong),
      (error: unknown) => error instanceof RangeError,
    );
});

x.run();
