/** Settings of onnxruntime: all are taken, none changes anything. There is one thread and nothing to download. */
export interface Env {
  logLevel: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
  debug: boolean;
  trace: boolean;
  wasm: Record<string, unknown>;
  webgl: Record<string, unknown>;
  webgpu: Record<string, unknown>;
  readonly versions: Record<string, string>;
  [setting: string]: unknown;
}

/** The settings. */
export const env: Env = {
  logLevel: 'warning',
  debug: false,
  trace: false,
  wasm: {},
  webgl: {},
  webgpu: {},
  versions: { common: 'modelpress' },
};

/** Takes a backend and does nothing with it. */
export function registerBackend(_name: string, _backend: unknown, _priority?: number): void {}

/** Names of the backends. */
export function listSupportedBackends(): { name: string; bundled: boolean }[] {
  return [{ name: 'wasm', bundled: true }];
}
