import type { Format } from '../format.ts';
import { readOnnx } from './read.ts';
import { writeOnnx } from './write.ts';

/** ONNX: IR version 3 to current, operator sets 7 to current (1 to 6 as far as they go). */
export const onnx: Format = {
  name: 'onnx',
  extensions: ['onnx'],
  match: looksLikeModel,
  read: readOnnx,
  write: writeOnnx,
};

/** A protobuf without a magic number: a ModelProto begins with one of its own fields. */
function looksLikeModel(head: Uint8Array): boolean {
  const first = head[0];
  if (first === undefined) return false;
  const field = first >> 3;
  const wire = first & 7;
  const varint = field === 1 || field === 5;
  const bytes = (field >= 2 && field <= 4) || (field >= 6 && field <= 8) || field === 14;
  return (varint && wire === 0) || (bytes && wire === 2);
}
