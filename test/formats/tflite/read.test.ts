import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../../src/formats/index.ts';
import { modelOrigin, valueOrigin } from '../../../src/formats/tflite/origin.ts';
import { clone, print, verify } from '../../../src/ir/index.ts';
import { sharedFile } from '../../shared.ts';

const reading = suite('tflite reading');

const open = (path: string) => {
  const bytes = sharedFile(`tflite-models/${path}`);
  return bytes === null ? null : readModel(bytes);
};

reading('an int8 network: integers outside, reals with a quantization inside', async () => {
  const model = await open('mlperf-tiny/ic_resnet8_int8.tflite');
  if (model === null) return;
  verify(model);
  const [input] = model.graph.inputs;
  assert.equal(input!.type, { kind: 'tensor', dtype: 'int8', shape: ['batch', 32, 32, 3] });
  const [first] = model.graph.nodes;
  assert.is(first!.op, 'DequantizeLinear');
  assert.equal([...first!.outputs[0]!.quantization!.scale], [1]);
  assert.equal([...first!.outputs[0]!.quantization!.zeroPoint!], [-128]);
  const conv = model.graph.nodes.find(({ op }) => op === 'Conv')!;
  assert.is(conv.domain, 'mp');
  const [, weights, bias] = conv.inputs;
  assert.equal(weights!.constant!.shape, [16, 3, 3, 3]);
  assert.equal(weights!.constant!.permuted?.base.shape, [16, 3, 3, 3]);
  assert.is(weights!.quantization!.axis, 0);
  assert.is(weights!.quantization!.scale.length, 16);
  assert.is(bias!.quantization!.storage, 'int32');
  assert.is(bias!.type?.kind === 'tensor' && bias!.type.dtype, 'float32');
  assert.is(
    valueOrigin(weights!)!.record,
    conv.origin &&
      modelOrigin(model)!.record.subgraphs![0]!.tensors![valueOrigin(weights!)!.tensor],
  );
  assert.is(conv.origin!.inputs[1]!.user, conv);
  verify(clone(model));
  assert.match(print(model.graph), 'mp.Conv');
});

reading('a quantized dimension that can not be is repaired, and said', async () => {
  const model = await open('tflm/person_detect.tflite');
  if (model === null) return;
  assert.ok(model.notes.some((note) => /scales are along axis 0, not 3/.test(note)));
});

reading('a signature chooses its subgraph', async () => {
  const bytes = sharedFile('tflite-models/tflite-testdata/multi_signatures.bin');
  if (bytes === null) return;
  const keys = modelOrigin(await readModel(bytes))!.record.signatureDefs!.map(
    ({ signatureKey }) => signatureKey!,
  );
  const subgraphs = await Promise.all(
    keys.map(async (signature) => modelOrigin(await readModel(bytes, { signature }))!.subgraph),
  );
  assert.is(new Set(subgraphs).size, keys.length);
  try {
    await readModel(bytes, { signature: 'no such' });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'E_TFLITE_SIGNATURE');
    assert.match((error as { hint?: string }).hint ?? '', keys[0]!);
  }
});

reading.run();
