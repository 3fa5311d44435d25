import { type ByteSource, bufferSource } from '../core/source.ts';
import { readModel } from '../formats/index.ts';
import { filesBeside, openFile, readInput } from '../host/files.ts';
import type { Model } from '../ir/model.ts';

export interface Opened {
  /** As the user named it. */
  path: string;
  model: Model;
  source: ByteSource;
  /** Whether weights are in files beside the model. */
  external: boolean;
}

/** Opens a model by its path, or standard input for `-`.
 *  @param signature  key of the signature of a TFLite model to read */
export async function openModel(path: string, signature?: string): Promise<Opened> {
  const options = signature === undefined ? {} : { signature };
  if (path === '-') {
    const source = bufferSource(readInput(path), 'standard input');
    return { path, model: await readModel(source, options), source, external: false };
  }
  const source = openFile(path);
  const model = await readModel(source, { ...options, external: filesBeside(path) });
  return { path, model, source, external: model.sourceBytes > source.size };
}
