import { FormatError, UnsupportedError } from '../../core/errors.ts';
import { type ByteSource, sliceSource, toSource } from '../../core/source.ts';
import { checkMember, type ExternalFiles, findExternal, quote } from '../external-files.ts';
import type { ModelRecord } from './records.ts';

/** Contents of external buffers, by the id that tensors have in `externalBuffer`. */
export type ExternalBuffers = ReadonlyMap<number, ByteSource>;

/** Opens the external buffers of a model (weights in other files, schema 3d): each group names a file.
 *  @param files  where they come from; without it a model that has some is refused
 *  @throws {FormatError} E_TFLITE_EXTERNAL…: a file that is missing or no plain name, a slice past its end, an id twice
 *  @throws {UnsupportedError} a packing of elements that is not known */
export async function openExternalBuffers(
  { externalBuffers = [], externalBufferGroups = [] }: ModelRecord,
  files: ExternalFiles | undefined,
): Promise<ExternalBuffers> {
  const opened = new Map<string, ByteSource>();
  const contents = new Map<number, ByteSource>();
  for (const [i, buffer] of externalBuffers.entries()) {
    const where = `Model.externalBuffers[${i}]`;
    const { id = 0, group = 0, offset = 0n, length = 0n, packing = '' } = buffer;
    const name = externalBufferGroups[group]?.name;
    if (name === undefined) throw broken('', `there is no named group ${group}`, where);
    if (id === 0 || contents.has(id)) throw broken('', `the id ${id} is taken`, where);
    // The only one that a file has been seen with.
    if (packing !== '' && packing !== 'unpacked') {
      throw new UnsupportedError(`elements packed as ${quote(packing)}`, {
        code: 'E_TFLITE_PACKING',
        where,
      });
    }
    let file = opened.get(name);
    if (file === undefined) {
      checkMember(name, where, 'E_TFLITE_EXTERNAL_PATH');
      const found = await findExternal(files, name);
      if (found === null) {
        throw new FormatError(`the external file ${quote(name)} is missing`, {
          code: 'E_TFLITE_EXTERNAL_MISSING',
          where,
          hint: `pass it: { external: { ${quote(name)}: bytes } }`,
        });
      }
      file = toSource(found);
      opened.set(name, file);
    }
    if (offset + length > BigInt(file.size)) {
      const end = offset + length;
      throw broken('_RANGE', `the external file ends at ${file.size}, before ${end}`, where);
    }
    contents.set(id, sliceSource(file, Number(offset), Number(length)));
  }
  return contents;
}

function broken(code: string, message: string, where: string): FormatError {
  return new FormatError(message, { code: `E_TFLITE_EXTERNAL${code}`, where });
}
