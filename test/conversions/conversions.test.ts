import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closeTflite } from '../peers/tflite.ts';
import { conversionItems } from './items.ts';
import { judge, nameOf } from './judge.ts';

const conversions = suite('conversions');
conversions.after(closeTflite);

/** A few of each kind; `npm run conversions` has them all. */
const some: readonly string[] = [
  'onnx-to-tflite/models/mnist-cnn.onnx',
  'onnx-to-tflite/models/resnet20_cifar10.onnx',
  'onnx-to-tflite/models/silero_vad_16k_op15.onnx',
  'onnx-to-tflite/models/tiny_transformer_shared.onnx',
  'onnx-to-tflite/models/op-models/If_p3_11.onnx',
  'onnx-to-tflite/models/op-models/GridSample_16.onnx',
  'onnx-to-tflite/small/quant-ops/qlinearconv_2_s8_pt.onnx',
  'onnx-to-tflite/cases/attention_4d_gqa_causal',
  'onnx-to-tflite/cases/averagepool_2d_dilations',
  'onnx-to-tflite/cases/dft_axis',
  'onnx-to-tflite/cases/dynamicquantizelinear',
  'onnx-to-tflite/cases/gru_seq_length',
  'onnx-to-tflite/cases/maxpool_with_argmax_2d_precomputed_pads',
  'onnx-to-tflite/cases/slice_negative_axes',
  'tflite-to-onnx/models/mlperf-tiny/ic_resnet8_int8.tflite',
  'tflite-to-onnx/models/coral/mobilenet_v1_0.25_128_quant.tflite',
  'tflite-to-onnx/models/litert/attn_vec_einsum.tflite',
  'tflite-to-tflite/models/mlperf-tiny/kws_dscnn_int8.tflite',
  'tflite-to-tflite/models/tflm/trained_lstm.tflite',
];

conversions('run elsewhere, and compute the same there', async () => {
  const items = conversionItems();
  if (items.length === 0) return;
  const byName = new Map(
    items.map((item) => [`${item.direction}/${item.group}/${nameOf(item)}`, item]),
  );
  const failed: string[] = [];
  for (const name of some) {
    const item = byName.get(name);
    assert.ok(item, name);
    const { status, code, reason } = await judge(item);
    if (status !== 'passed') failed.push(`${name}: ${code}: ${reason}`);
  }
  assert.equal(failed, []);
});

conversions.run();
