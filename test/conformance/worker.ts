// Judges cases that a parent process sends, one at a time: what crashes or hangs here stops nothing else.
import type { OnnxCase } from '../onnx-cases.ts';
import { judge } from './judge.ts';

process.on('message', async (item: OnnxCase) => {
  process.send?.(await judge(item));
});
