import { cpus } from 'node:os';

/** The processor that all figures are of. */
export function machine(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}
