import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dequantize, type QuantizedType, quantize } from '../../src/kernels/index.ts';
import { sharedFile } from '../shared.ts';
import { untar } from '../tar.ts';
import { fieldsOf, onnxTypes, type ReadTensor, readTensor } from './onnx.ts';

// The conformance cases of the onnx package, with the outputs that its reference implementation gave.
const test = suite('onnx node cases');

const names = Object.fromEntries(Object.entries(onnxTypes).map(([name, code]) => [code, name]));
const numbers = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
};

function attributesOf(model: Uint8Array): Record<string, number> {
  const graph = fieldsOf(model).get(7)![0] as Uint8Array;
  const node = fieldsOf(graph).get(1)![0] as Uint8Array;
  return Object.fromEntries(
    (fieldsOf(node).get(5) ?? []).map((bytes) => {
      const fields = fieldsOf(bytes as Uint8Array);
      return [
        new TextDecoder().decode(fields.get(1)![0] as Uint8Array),
        fields.get(3)?.[0] as number,
      ];
    }),
  );
}

/** Elements as numbers; 4-bit ones unpacked. */
function levelsOf({ type, raw, dims }: ReadTensor): number[] {
  const name = names[type];
  if (name === 'int4' || name === 'uint4') {
    const count = dims.reduce((a, b) => a * b, 1);
    return Array.from({ length: count }, (_, i) => {
      const nibble = (raw[i >> 1]! >> (4 * (i & 1))) & 15;
      return name === 'int4' ? (nibble << 28) >> 28 : nibble;
    });
  }
  return [
    ...new numbers[name as keyof typeof numbers](
      raw.buffer,
      0,
      raw.length / numbers[name as keyof typeof numbers].BYTES_PER_ELEMENT,
    ),
  ];
}

const floatsOf = ({ raw }: ReadTensor): Float32Array =>
  new Float32Array(raw.buffer, 0, raw.length / 4);

const archive = sharedFile('onnx-node-tests/cases.tar.gz');
if (archive !== null) {
  const files = new Map(untar(archive).map(({ name, bytes }) => [name, bytes]));
  let seen = 0;
  for (const path of files.keys()) {
    const found = /^(node\/test_(quantize|dequantize)linear\w*)\/model\.onnx$/.exec(path);
    if (found === null) continue;
    const read = (file: string): ReadTensor | null => {
      const bytes = files.get(`${found[1]}/test_data_set_0/${file}.pb`);
      return bytes === undefined ? null : readTensor(bytes);
    };
    const [x, scale, zero, y] = [
      read('input_0')!,
      read('input_1')!,
      read('input_2'),
      read('output_0')!,
    ];
    const known = ({ type }: ReadTensor): boolean => names[type] !== undefined;
    if (![x, scale, y, ...(zero === null ? [] : [zero])].every(known)) continue;
    seen += 1;
    test(found[1]!, () => {
      const { axis = 1, block_size: blockSize } = attributesOf(files.get(path)!);
      const several = scale.dims.length > 0 && scale.raw.length > 4;
      const options = {
        scale: floatsOf(scale),
        zeroPoint: zero === null ? 0 : levelsOf(zero),
        shape: x.dims,
        ...(several ? { axis } : {}),
        ...(blockSize ? { blockSize } : {}),
      };
      if (found[2] === 'quantize') {
        const type = names[y.type] as QuantizedType;
        const got = quantize(floatsOf(x), { ...options, type });
        assert.equal(new Uint8Array(got.buffer), y.raw);
      } else {
        const type = names[x.type] as QuantizedType;
        const array = type.endsWith('4') ? Uint8Array : numbers[type as keyof typeof numbers];
        const got = dequantize(new array(x.raw.buffer, 0, x.raw.length / array.BYTES_PER_ELEMENT), {
          ...options,
          type,
        });
        assert.equal(new Uint8Array(got.buffer), y.raw);
      }
    });
  }
  test('there are cases', () => assert.ok(seen >= 8, `${seen} cases`));
}

test.run();
