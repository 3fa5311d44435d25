import { gunzipSync } from 'node:zlib';

export interface TarFile {
  name: string;
  bytes: Uint8Array;
}

/** Files of a tar archive, gzipped or not, in order: ustar, with the long names of GNU tar and of pax. */
export function untar(archive: Uint8Array): TarFile[] {
  const isGzip = archive[0] === 0x1f && archive[1] === 0x8b;
  const tar = isGzip ? new Uint8Array(gunzipSync(archive)) : archive;
  const files: TarFile[] = [];
  let longName: string | null = null;
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512);
    const name = text(header, 0, 100);
    if (name === '') break;
    const size = Number.parseInt(text(header, 124, 12), 8);
    if (!(size >= 0)) throw new RangeError(`no size at byte ${at + 124} of the archive`);
    const bytes = tar.slice(at + 512, at + 512 + size);
    const prefix = text(header, 345, 155);
    const kind = text(header, 156, 1);
    if (kind === 'L') longName = text(bytes, 0, size);
    else if (kind === 'x') longName = /\d+ path=(.*)/.exec(text(bytes, 0, size))?.[1] ?? null;
    else {
      if (kind === '0' || kind === '')
        files.push({ name: longName ?? (prefix === '' ? name : `${prefix}/${name}`), bytes });
      longName = null;
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
