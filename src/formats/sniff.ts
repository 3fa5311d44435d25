import { FormatError, UnsupportedError } from '../core/errors.ts';
import type { Format } from './format.ts';

/** Formats that people will try and that can be told by their first bytes. */
const others: readonly { name: string; hint: string; at: number; bytes: readonly number[] }[] = [
  {
    name: 'a zip archive (a PyTorch checkpoint, a .pt2 or a .keras file)',
    hint: 'export the model to ONNX first',
    at: 0,
    bytes: [0x50, 0x4b, 0x03, 0x04],
  },
  {
    name: 'a pickle (a PyTorch checkpoint)',
    hint: 'export the model to ONNX first',
    at: 0,
    bytes: [0x80, 0x02],
  },
  {
    name: 'HDF5 (Keras)',
    hint: 'export the model to ONNX first',
    at: 0,
    bytes: [0x89, 0x48, 0x44, 0x46],
  },
  { name: 'GGUF', hint: 'export the model to ONNX first', at: 0, bytes: [0x47, 0x47, 0x55, 0x46] },
];

/** The format of a file by its first bytes.
 *  @throws {UnsupportedError} a known format that is not among `formats`
 *  @throws {FormatError} none that is known */
export function sniff(formats: readonly Format[], head: Uint8Array, where: string): Format {
  for (const { name, hint, at, bytes } of others) {
    if (bytes.every((byte, i) => head[at + i] === byte)) {
      throw new UnsupportedError(`this file is ${name}, which can't be read yet`, {
        code: 'E_FORMAT_UNSUPPORTED',
        where,
        hint,
      });
    }
  }
  const found = formats.find((format) => format.match(head));
  if (found !== undefined) return found;
  const empty = head.length === 0;
  throw new FormatError(empty ? 'the file is empty' : 'this is no model file that is known here', {
    code: empty ? 'E_EMPTY' : 'E_FORMAT_UNKNOWN',
    where,
    hint: `known formats: ${formats.map(({ name }) => name).join(', ')}`,
  });
}

/** A format by its name.
 *  @throws {UnsupportedError} there is none of that name */
export function findFormat(formats: readonly Format[], name: string): Format {
  const found = formats.find((format) => format.name === name);
  if (found !== undefined) return found;
  throw new UnsupportedError(`no format is called "${name}"`, {
    code: 'E_FORMAT_UNSUPPORTED',
    hint: `known formats: ${formats.map((format) => format.name).join(', ')}`,
  });
}
