import { readdirSync } from 'node:fs';
import { onnxCases } from '../onnx-cases.ts';
import { sharedData } from '../shared.ts';
import type { Item } from './judge.ts';

/** A file that is no model, on purpose, and two whose inputs are larger than the other runtime's memory. */
const broken = /segment_sum_invalid_buffer|huge_im2col/;

/** Everything that is converted, in the table's order. */
export function conversionItems(): Item[] {
  const root = sharedData();
  if (root === null) return [];
  const files = (folder: string, ends: RegExp): string[] =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((path) => ends.test(path) && !path.startsWith('refs'))
      .sort();
  const onnx = files('onnx-models', /\.onnx$/);
  const group = (path: string): string =>
    /^(quant-ops|tract-cases)/.test(path) ? 'small' : 'models';
  const tflite = files('tflite-models', /\.(tflite|bin)$/).filter(
    (path) => !broken.test(path) && !path.includes('samples/') && !path.endsWith('features.bin'),
  );
  return [
    ...onnx.map((path) => ({ direction: 'onnx-to-tflite' as const, group: group(path), path })),
    ...onnxCases().map((item) => ({
      direction: 'onnx-to-tflite' as const,
      group: 'cases',
      case: item,
    })),
    ...tflite.map((path) => ({ direction: 'tflite-to-onnx' as const, group: 'models', path })),
    ...tflite.map((path) => ({ direction: 'tflite-to-tflite' as const, group: 'models', path })),
  ];
}
