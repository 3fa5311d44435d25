import { FormatError } from '../core/errors.ts';
import type { MaybePromise, SourceLike } from '../core/source.ts';

/** Files beside a model, by the name that the model gives them. A model names members of what the caller
 *  passes, never paths of a file system. */
export type ExternalFiles =
  | Record<string, SourceLike>
  | Map<string, SourceLike>
  | ((location: string) => MaybePromise<SourceLike | null>);

/** Refuses names that could leave the folder of the model on any system.
 *  @throws {FormatError} absolute, with `..` or `.` or an empty part, a backslash, a drive, a control character */
export function checkMember(location: string, where: string, code: string): void {
  const parts = location.split('/');
  const bad =
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    // Drives and streams of Windows, UNC paths, and what cuts a name short.
    /[\\:]/.test(location) ||
    [...location].some((char) => char < ' ' || char === '\x7f');
  if (bad) {
    throw new FormatError(`the external file ${quote(location)} is not a plain name`, {
      code,
      where,
      hint: 'a model may only name files beside itself',
    });
  }
}

/** One of the files that a caller gave, by name; null where there is none. */
export async function findExternal(
  files: ExternalFiles | undefined,
  location: string,
): Promise<SourceLike | null> {
  if (files === undefined) return null;
  if (typeof files === 'function') return (await files(location)) ?? null;
  if (files instanceof Map) return files.get(location) ?? null;
  return Object.hasOwn(files, location) ? files[location]! : null;
}

/** A name for messages, cut where it is long. */
export function quote(text: string | undefined): string {
  const known = text ?? '';
  return JSON.stringify(known.length > 80 ? `${known.slice(0, 80)}…` : known);
}
