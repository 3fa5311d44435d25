// The nine runtimes: where their binary is, and how each runs the digest program.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from './server.mjs';
import { writeConfig } from './workerd.mjs';

const modules = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
const suffix = process.platform === 'win32' ? '.exe' : '';
const limitSeconds = 60;

const node = (major) => ({
  name: `Node ${major}`,
  find: () =>
    packaged('', `node${major}-${process.platform}-${process.arch}`, `bin/node${suffix}`) ??
    (process.versions.node.startsWith(`${major}.`) ? process.execPath : undefined),
  run: (binary, project) => runConsole(binary, ['console.js'], project),
});

const chromium = {
  name: 'Chromium',
  find: () => onPath('CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome']),
  run: (binary, project) => runBrowser(binary, chromiumArguments, project),
};

/** In the order of the table. `variant` marks a second run of a runtime under a rule that must change nothing. */
export const runtimes = [
  ...[20, 22, 24, 26].map(node),
  {
    ...node(26),
    variant: 'no code from strings',
    run: (binary, project) =>
      runConsole(binary, ['--disallow-code-generation-from-strings', 'console.js'], project),
  },
  {
    name: 'Deno',
    find: () => packaged('@deno', `${process.platform}-${process.arch}`, `deno${suffix}`),
    // No --allow flag: the package reads nothing, asks for nothing.
    run: (binary, project) =>
      runConsole(
        binary,
        ['run', '--no-prompt', '--no-lock', '--node-modules-dir=manual', 'console.js'],
        project,
      ),
  },
  {
    name: 'Bun',
    find: () => packaged('@oven', `bun-${process.platform}-${process.arch}`, `bin/bun${suffix}`),
    run: (binary, project) => runConsole(binary, ['run', 'console.js'], project),
  },
  chromium,
  {
    ...chromium,
    variant: 'strict CSP',
    run: (binary, project) => runBrowser(binary, chromiumArguments, project, true),
  },
  {
    name: 'Firefox',
    find: () => onPath('FIREFOX', ['firefox-esr', 'firefox']),
    run: (binary, project) => runBrowser(binary, firefoxArguments, project),
  },
  {
    name: 'workerd',
    find: () => packaged('@cloudflare', `workerd-${process.platform}-`, `bin/workerd${suffix}`),
    run: runWorkerd,
  },
];

/** The binary of an npm package for this platform, whose name may go on (`-glibc`, `-64`); undefined if there is none. */
function packaged(scope, prefix, binary) {
  const folder = join(modules, scope);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name, binary))
    .find((path) => existsSync(path));
}

function onPath(variable, names) {
  if (process.env[variable]) return process.env[variable];
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name + suffix)))
    .find((path) => existsSync(path));
}

/** `22.23.3` */
export function versionOf(binary) {
  const text = execFileSync(binary, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  return /\d[\w.-]*/.exec(String(text))?.[0] ?? 'unknown';
}

async function runConsole(binary, args, project) {
  const child = start(binary, args, project);
  try {
    const code = await child.exit;
    if (code !== 0) throw new Error(`exit ${code}: ${child.errors()}`);
    return JSON.parse(child.output());
  } finally {
    child.kill();
  }
}

async function runWorkerd(binary, project) {
  const config = await writeConfig(project);
  const child = start(binary, ['serve', '--control-fd=3', config], project);
  try {
    const listening = new Promise((resolve) => {
      child.control.on('data', (chunk) => {
        const port = /"port":(\d+)/.exec(chunk)?.[1];
        if (port !== undefined) resolve(port);
      });
    });
    const port = await Promise.race([listening, child.failure()]);
    const response = await Promise.race([fetch(`http://127.0.0.1:${port}/`), child.failure()]);
    return JSON.parse(await response.text());
  } finally {
    child.kill();
  }
}

const chromiumArguments = (url, profile) => [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  `--user-data-dir=${profile}`,
  url,
];

const firefoxArguments = (url, profile) => {
  const settings = {
    'browser.shell.checkDefaultBrowser': false,
    'browser.aboutwelcome.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'app.normandy.enabled': false,
    'network.captive-portal-service.enabled': false,
  };
  const lines = Object.entries(settings).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  return ['--headless', '--no-remote', '--profile', profile, url];
};

async function runBrowser(binary, toArguments, project, strictCsp = false) {
  const server = await serve(project, strictCsp);
  const profile = mkdtempSync(join(tmpdir(), 'modelpress-profile-'));
  const child = start(binary, toArguments(server.url, profile), project, {
    HOME: profile,
    TMPDIR: profile,
  });
  try {
    return JSON.parse(await Promise.race([server.result, child.failure()]));
  } finally {
    child.kill();
    await child.exit;
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** A process group with a time limit. `failure()` rejects when it ends early. */
function start(binary, args, cwd, env = {}) {
  const child = spawn(binary, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let timedOut = false;
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended.
    }
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, limitSeconds * 1000);
  const exit = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(timedOut ? `after ${limitSeconds} s without an end` : (code ?? signal));
    });
  });
  exit.catch(() => clearTimeout(timer));
  return {
    control: child.stdio[3],
    exit,
    kill,
    output: () => output,
    errors: () => errors.trim().slice(-1000),
    failure: async () => {
      const code = await exit;
      throw new Error(`exit ${code}: ${errors.trim().slice(-1000)}`);
    },
  };
}
