import type { Format } from '../format.ts';
import { readTflite } from './read.ts';
import { writeTflite } from './write.ts';

/** TensorFlow Lite and LiteRT: FlatBuffers with the identifier TFL3. */
export const tflite: Format = {
  name: 'tflite',
  extensions: ['tflite', 'lite'],
  match: (head) => [0x54, 0x46, 0x4c, 0x33].every((byte, i) => head[4 + i] === byte),
  read: readTflite,
  write: writeTflite,
};
