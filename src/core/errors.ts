/** The error family: everything modelpress throws on purpose, besides the platform's TypeError,
 *  RangeError (misuse of the API) and AbortError. */

export interface ErrorDetails {
  /** Stable machine-readable code, e.g. `E_PROTOBUF_TRUNCATED`. */
  code: string;
  /** Place in the input: `onnx: graph.node[12] "conv_3" attribute "pads", byte 10432`. */
  where?: string;
  /** What the reader of the message can do about it. */
  hint?: string;
  cause?: unknown;
}

/** Base class. `message` is one sentence; `where` and `hint` complete it. */
export class ModelpressError extends Error {
  readonly code: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, { code, where, hint, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.where = where;
    this.hint = hint;
  }
}

/** The file is wrong: it breaks its format's rules. */
export class FormatError extends ModelpressError {}

/** The file is fine, but it uses something modelpress does not do yet. */
export class UnsupportedError extends ModelpressError {}

/** A named limit was reached. Limits can be raised by the caller. */
export class LimitError extends ModelpressError {
  readonly limit: string;
  readonly allowed: number;
  readonly got: number;

  constructor(limit: string, allowed: number, got: number, details: { where?: string } = {}) {
    super(`${limit} is ${got}, more than the allowed ${allowed}`, {
      code: 'E_LIMIT',
      hint: `if you trust the file, raise it: { limits: { ${limit}: ${got} } }`,
      ...details,
    });
    this.limit = limit;
    this.allowed = allowed;
    this.got = got;
  }
}

/** Shapes or dtypes of operands don't fit together. */
export class ShapeError extends ModelpressError {}

/** An internal invariant is broken: a bug in modelpress. */
export class VerifyError extends ModelpressError {}

/** Memory could not be had; the model is still usable. */
export class MemoryError extends ModelpressError {}

/** A NaN or an infinity where there must be none. */
export class NumericError extends ModelpressError {}

/** The result is too far from the original to be given: its outputs' signal-to-noise ratio is below what is asked for. */
export class AgreementError extends ModelpressError {
  readonly sqnrDb: number;
  readonly allowedDb: number;

  constructor(sqnrDb: number, allowedDb: number, details: { hint: string }) {
    const ratio = `${sqnrDb.toFixed(1)} dB`;
    super(`the outputs agree to ${ratio} only, less than ${allowedDb} dB`, {
      code: 'E_AGREEMENT',
      ...details,
    });
    this.sqnrDb = sqnrDb;
    this.allowedDb = allowedDb;
  }
}

/** Throws the signal's reason (an AbortError) if it has been aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
}

/** `"rank" expected 1..64, got 0` as a RangeError. */
export function rangeError(name: string, expected: string, got: unknown): RangeError {
  return new RangeError(`"${name}" expected ${expected}, got ${String(got)}`);
}

/** `"x" expected a Float32Array, got string` as a TypeError. */
export function typeError(name: string, expected: string, got: unknown): TypeError {
  const kind =
    got === null
      ? 'null'
      : typeof got === 'object'
        ? (got.constructor?.name ?? 'object')
        : typeof got;
  return new TypeError(`"${name}" expected ${expected}, got ${kind}`);
}
