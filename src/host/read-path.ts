import { FormatError } from '../core/errors.ts';

interface Files {
  readFileSync(path: string | URL): Uint8Array;
}

interface Builtins {
  process?: { getBuiltinModule?(name: string): unknown };
}

/** The bytes behind a path or URL: files in Node, Deno and Bun, `fetch` elsewhere and for http, https, data and blob.
 *  No import of `node:fs`, which bundlers for browsers would refuse.
 *  @throws {FormatError} nothing is there */
export async function readPath(path: string): Promise<Uint8Array> {
  const fail = (message: string, cause?: unknown): FormatError =>
    new FormatError(message, { code: 'E_NO_FILE', where: path, cause });
  if (!/^(https?|data|blob):/.test(path)) {
    const files = (globalThis as Builtins).process?.getBuiltinModule?.('node:fs') as
      | Files
      | undefined;
    if (files !== undefined) {
      try {
        return new Uint8Array(files.readFileSync(/^file:/.test(path) ? new URL(path) : path));
      } catch (cause) {
        throw fail("the file can't be read", cause);
      }
    }
  }
  const response = await fetch(path).catch((cause: unknown) => {
    throw fail("the URL can't be fetched", cause);
  });
  if (!response.ok) throw fail(`the server says ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
