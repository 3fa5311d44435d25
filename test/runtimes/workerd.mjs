// workerd's configuration: the package's files as modules, unbundled.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { moduleGraph, toEsm } from './graph.mjs';

/** Writes `config.capnp` with one socket, `http`, into `<project>/workerd`.
 *  workerd joins every specifier to the importer's folder, so a bare one gets a module there that re-exports the target.
 *  @returns  path of the configuration */
export async function writeConfig(project) {
  const folder = join(project, 'workerd');
  const graph = await moduleGraph(project, 'worker.js', ['workerd', 'worker', 'import']);
  const reached = new Set(['worker.js']);
  const modules = new Map();
  for (const path of reached) {
    if (path.endsWith('.wasm')) {
      modules.set(path, 'wasm');
      place(folder, path, join(project, path));
      continue;
    }
    const { esm, imports } = graph.get(path);
    modules.set(path, 'esModule');
    if (!esm) {
      write(folder, path, await toEsm(project, path));
      continue;
    }
    place(folder, path, join(project, path));
    for (const { specifier, path: target } of imports) {
      reached.add(target);
      if (specifier.startsWith('.')) continue;
      const alias = posix.join(posix.dirname(path), specifier);
      if (alias === target || modules.has(alias)) continue;
      const from = JSON.stringify(relative(alias, target));
      const all = `export * from ${from};\n`;
      const hasDefault = !graph.get(target).esm;
      write(folder, alias, hasDefault ? `${all}export { default } from ${from};\n` : all);
      modules.set(alias, 'esModule');
    }
  }
  const list = [...modules].map(
    ([path, kind]) => `(name = ${JSON.stringify(path)}, ${kind} = embed ${JSON.stringify(path)})`,
  );
  const config = join(folder, 'config.capnp');
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [
    ${list.join(',\n    ')}
  ],
);
`,
  );
  return config;
}

function relative(from, to) {
  const path = posix.relative(posix.dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

function place(folder, path, source) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  cpSync(source, join(folder, path));
}

function write(folder, path, text) {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
