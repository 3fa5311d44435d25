import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildExamples } from '../../examples/build.ts';
import { digitModel, digits } from '../../examples/digits.ts';
import { readModel } from '../../src/formats/index.ts';
import { createSession } from '../../src/runtime/index.ts';
import { runModel } from '../ort.ts';
import { skipLoudly } from '../skip.ts';

const x = suite('examples');
const built = mkdtempSync(join(tmpdir(), 'modelpress-examples-'));
const held = digits('t10k', 1000);

x.before(() => buildExamples(built));
x.after(() => rmSync(built, { recursive: true, force: true, maxRetries: 5 }));

/** What the model says of each picture, by onnxruntime-node. */
async function expectedDigits(images: readonly Uint8Array[]): Promise<number[]> {
  const model = readFileSync(join(built, 'page/digits.onnx'));
  const data = Float32Array.from(
    images.flatMap((image) => [...image]),
    (value) => value / 255,
  );
  const { Tensor } = await import('../../src/core/tensor.ts');
  const image = new Tensor('float32', data, [images.length, 1, 28, 28]);
  const { probabilities } = await runModel(model, { image });
  return images.map((_, i) => {
    const row = (probabilities!.data as Float32Array).subarray(i * 10, (i + 1) * 10);
    return row.indexOf(Math.max(...row));
  });
}

x('the model knows most digits', async () => {
  const session = createSession(await readModel(digitModel(digits('train'))));
  const data = Float32Array.from(
    held.images.flatMap((image) => [...image]),
    (value) => value / 255,
  );
  const dims = [held.images.length, 1, 28, 28];
  const { probabilities } = session.run({ image: { type: 'float32', data, dims } });
  let right = 0;
  for (const [i, label] of held.labels.entries()) {
    const row = (probabilities!.data as Float32Array).subarray(i * 10, (i + 1) * 10);
    if (row.indexOf(Math.max(...row)) === label) right++;
  }
  session.dispose();
  assert.ok(right / held.images.length > 0.75, `${right} of ${held.images.length}`);
});

x('the page in Chromium', async () => {
  const chromium =
    process.env.CHROMIUM ?? onPath(['chromium', 'chromium-browser', 'google-chrome']);
  if (chromium === undefined) {
    skipLoudly('Chromium is not here: the example page was not run');
    return;
  }
  const server = await serve(join(built, 'page'));
  const profile = mkdtempSync(join(tmpdir(), 'modelpress-profile-'));
  try {
    const { port } = server.address() as AddressInfo;
    const { stdout } = await promisify(execFile)(
      chromium,
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
        ...['--no-first-run', `--user-data-dir=${profile}`, '--virtual-time-budget=10000'],
        ...['--window-size=800,760', `--screenshot=${join(built, 'page.png')}`, '--dump-dom'],
        `http://127.0.0.1:${port}/`,
      ],
      { timeout: 60_000, env: { ...process.env, HOME: profile, TMPDIR: profile } },
    );
    const list = /<ol id="samples">(.*?)<\/ol>/s.exec(stdout)?.[1] ?? '';
    const shown = [...list.matchAll(/<\/canvas>(\d) \(\d+ %\)/g)].map(([, digit]) => Number(digit));
    assert.equal(shown, await expectedDigits(held.images.slice(0, 10)), stdout.slice(-500));
    assert.match(stdout, /all pictures classified in \d+ ms/);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

x('the worker in workerd', async () => {
  const workerd = findWorkerd();
  if (workerd === undefined) {
    skipLoudly('workerd is not here (test/runtimes/README.md): the example worker was not run');
    return;
  }
  const config = join(built, 'worker/config.capnp');
  const child = spawn(
    workerd,
    ['serve', '--control-fd=3', '--socket-addr=http=127.0.0.1:0', config],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  try {
    const url = `http://127.0.0.1:${await portOf(child)}/`;
    const images = held.images.slice(0, 8);
    const got: number[] = [];
    for (const image of images) {
      const response = await fetch(url, { method: 'POST', body: new Uint8Array(image) });
      assert.is(response.status, 200);
      const { digit, probabilities } = (await response.json()) as {
        digit: number;
        probabilities: number[];
      };
      assert.is(probabilities.length, 10);
      got.push(digit);
    }
    assert.equal(got, await expectedDigits(images));
    const wrong = await fetch(url, { method: 'POST', body: 'short' });
    assert.is(wrong.status, 400);
  } finally {
    child.kill('SIGKILL');
  }
});

x.run();

function onPath(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((f) => join(f, name))).find((p) => existsSync(p));
}

function findWorkerd(): string | undefined {
  const folder = fileURLToPath(new URL('../runtimes/node_modules/@cloudflare', import.meta.url));
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.startsWith(`workerd-${process.platform}-`))
    .map((name) => join(folder, name, 'bin/workerd'))
    .find((path) => existsSync(path));
}

/** The port that workerd took, or its complaint. */
function portOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('exit', () => reject(new TypeError(`workerd ended: ${errors}`)));
    child.stdio[3]!.on('data', (chunk) => {
      const port = /"port":(\d+)/.exec(String(chunk))?.[1];
      if (port !== undefined) resolve(port);
    });
  });
}

async function serve(folder: string): Promise<Server> {
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : (request.url ?? '').replace(/^\/+/, '');
    const path = join(folder, name);
    if (!readdirSync(folder).includes(name)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}
