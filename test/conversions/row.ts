/** What is converted, and to what. */
export type Direction = 'onnx-to-tflite' | 'tflite-to-onnx' | 'tflite-to-tflite';

/** `passed`: converted, loaded by another runtime, and computes the same there. `out of scope`: nobody can tell, or
 *  TFLite has no words for it; what passes all the same has passed. */
export type Status = 'passed' | 'failed' | 'out of scope';

/** One conversion, judged. */
export interface Row {
  readonly direction: Direction;
  /** `models`, `small`, `cases` */
  readonly group: string;
  readonly name: string;
  readonly status: Status;
  /** Of our error (`E_…`), or where it ended: `LOAD`, `RUN`, `DIFFERS`, `CRASH`, `NO REFERENCE`, `SCOPE`. */
  readonly code: string;
  readonly reason: string;
  /** The operators of the source. */
  readonly operators: readonly string[];
}
