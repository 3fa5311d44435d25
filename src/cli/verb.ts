/** One command of the command line. */
export interface Verb {
  name: string;
  /** One line for the list of verbs. */
  summary: string;
  help: string;
  /** Returns the exit code: 0 ok, 1 failure, 3 target not met. */
  run(args: readonly string[], signal: AbortSignal): Promise<number>;
}
