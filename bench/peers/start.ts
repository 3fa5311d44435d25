// How each peer is started, and why one cannot be.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PeerName } from '../comparison.ts';
import type { NodeBinary } from '../nodes.ts';
import type { Answer, Request } from './serve.ts';

export interface Peer {
  readonly name: PeerName;
  ask(request: Request): Promise<Answer>;
  stop(): void;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const require = createRequire(import.meta.url);

/** What a peer needs besides this repository's own packages. */
const packages: Readonly<Partial<Record<PeerName, string>>> = {
  'onnxruntime-web': 'onnxruntime-web',
  'tfjs-wasm': '@tensorflow/tfjs-backend-wasm',
  'ml-matrix': 'ml-matrix',
  litert: '@litertjs/core',
  'tfjs-tflite': '@tensorflow/tfjs-tflite',
};

export const python: string = process.env.MODELPRESS_BENCH_PYTHON ?? 'python3';

/** Linear algebra on one thread, whichever library numpy was built with. */
const oneThread = {
  OPENBLAS_NUM_THREADS: '1',
  OMP_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  VECLIB_MAXIMUM_THREADS: '1',
};

let numpy: string | null | undefined;

/** Why a peer is not here; null where it is. */
export function absence(name: PeerName): string | null {
  if (name === 'numpy' || name === 'numpy, 128-bit') {
    if (numpy !== undefined) return numpy;
    try {
      execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' });
      numpy = null;
    } catch {
      numpy = `no numpy for ${python}: name another Python in MODELPRESS_BENCH_PYTHON`;
    }
    return numpy;
  }
  const needed = packages[name];
  if (needed === undefined) return null;
  try {
    require.resolve(`${needed}/package.json`);
    return null;
  } catch (error) {
    // A package that does not export its package.json is there all the same.
    if ((error as { code?: string }).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return null;
    return 'not installed: (cd bench && npm ci)';
  }
}

export function start(name: PeerName, node: NodeBinary): Peer {
  const child = launch(name, node);
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) =>
    waiting.shift()?.resolve(JSON.parse(line)),
  );
  let ended: Error | null = null;
  child.on('exit', (code, signal) => {
    ended = new Error(`${name} ended with ${signal ?? code}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  });
  // Written to after it ended: what was asked is rejected by then.
  child.stdin!.on('error', () => undefined);
  return {
    name,
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended);
        waiting.push({ resolve, reject });
        child.stdin!.write(`${JSON.stringify(request)}\n`);
      }),
    stop: () => child.stdin!.end(),
  };
}

function launch(name: PeerName, node: NodeBinary): ChildProcess {
  const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
  if (name === 'numpy' || name === 'numpy, 128-bit') {
    // The core types are OpenBLAS's: other libraries don't mind.
    const core = name === 'numpy' ? {} : { OPENBLAS_CORETYPE: 'Nehalem' };
    const env = { ...process.env, ...oneThread, ...core };
    return spawn(python, [here('numpy_peer.py')], { env, stdio });
  }
  const file = name === 'own baseline' ? 'baseline.ts' : `${name}.ts`;
  return spawn(node.path, ['--import', 'tsx', here(file)], { stdio });
}
