import { gunzipSync } from 'node:zlib';

/** Files of a gzipped ustar archive, in order. */
export function untar(archive: Uint8Array): { name: string; bytes: Uint8Array }[] {
  const tar = new Uint8Array(gunzipSync(archive));
  const files: { name: string; bytes: Uint8Array }[] = [];
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512);
    const name = text(header, 0, 100);
    if (name === '') break;
    const size = Number.parseInt(text(header, 124, 12), 8);
    const prefix = text(header, 345, 155);
    const kind = text(header, 156, 1);
    if (kind === '0' || kind === '') {
      const bytes = tar.slice(at + 512, at + 512 + size);
      files.push({ name: prefix === '' ? name : `${prefix}/${name}`, bytes });
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

function text(bytes: Uint8Array, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end)).trim();
}
