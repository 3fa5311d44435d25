import { importsOf, type SourceFile } from './source.ts';

/** Which folder of src/ may import which. */
export const walls: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wasm: ['core'],
  kernels: ['core', 'wasm'],
  ir: ['core'],
  ops: ['core', 'ir', 'wasm'],
  formats: ['core', 'ir', 'ops', 'passes'],
  passes: ['core', 'ir', 'ops', 'report'],
  runtime: ['core', 'ir', 'ops', 'passes', 'wasm', 'kernels', 'report'],
  train: ['core', 'ir', 'ops', 'runtime', 'kernels'],
  compress: ['core', 'ir', 'ops', 'passes', 'runtime', 'train', 'kernels', 'report'],
  report: ['core', 'ir'],
  host: ['core', 'runtime'],
  ort: ['core', 'formats', 'runtime', 'host'],
};

/** Edges that are types only: host describes sources and sessions, and runs nothing; passes and runtime fill
 *  reports, which are data. */
export const typesOnly: readonly string[] = [
  'host → runtime',
  'passes → report',
  'runtime → report',
];

/** Folders of src/formats/ that hold containers and encodings, which every format may import. */
export const containers: readonly string[] = ['zip', 'pickle', 'protobuf', 'flatbuffer'];

/** Who may import what is not ours. */
export const packages: readonly { specifier: RegExp; where: RegExp }[] = [
  { specifier: /^node:/, where: /^src\/(host|cli)\// },
  { specifier: /^protobufjs\/minimal\.js$/, where: /^src\/formats\/protobuf(\.ts|\/)/ },
  { specifier: /^flatbuffers$/, where: /^src\/formats\// },
  { specifier: /^@assemblyscript\/loader$/, where: /^src\/wasm\/load\.ts$/ },
  // The peer that runs models where it is installed; no dependency.
  { specifier: /^onnxruntime-node$/, where: /^src\/host\/onnxruntime\.ts$/ },
  { specifier: /^#wasm$/, where: /^src\/wasm\// },
];

/** `src/a/b.ts` and `../c.ts` → `src/c.ts`. */
export function resolve(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** The folder of src/ that a file is in; `index` for src/index.ts. */
function layerOf(path: string): string {
  const [, folder, rest] = path.split('/');
  return rest === undefined ? 'index' : (folder ?? '');
}

/** Imports that a wall forbids. */
export function brokenWalls(file: SourceFile): string[] {
  const from = layerOf(file.path);
  return importsOf(file).flatMap(({ specifier, typeOnly }) => {
    if (!specifier.startsWith('.')) {
      const allowed = packages.some(
        (rule) => rule.specifier.test(specifier) && rule.where.test(file.path),
      );
      return allowed ? [] : [`${file.path} imports ${specifier}`];
    }
    const target = resolve(file.path, specifier);
    const to = layerOf(target);
    if (from === 'cli' || to === from) return otherFormat(file.path, target);
    if (from === 'index') return to === 'cli' ? [`${file.path} imports cli`] : [];
    const edge = `${from} → ${to}`;
    if (walls[from]?.includes(to) !== true) return [`${file.path} imports ${target}: no ${edge}`];
    if (typesOnly.includes(edge) && !typeOnly)
      return [`${file.path} imports ${target}: ${edge} is for types only`];
    return [];
  });
}

/** A folder under formats/ must not know another one, unless it is a container. */
function otherFormat(path: string, target: string): string[] {
  const format = (name: string): string | undefined => /^src\/formats\/([^/]+)\//.exec(name)?.[1];
  const [mine, other] = [format(path), format(target)];
  if (mine === undefined || other === undefined || mine === other || containers.includes(other))
    return [];
  return [`${path} imports ${target}: a format imports another`];
}

/** Cycles over imports of values (types are gone at run time): one per strongly connected group, as a path. */
export function cycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((edge) => !edge.typeOnly && edge.specifier.startsWith('.'))
        .map((edge) => resolve(file.path, edge.specifier)),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) found.push([...trail.slice(seen), path].join(' → '));
    if (seen >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

/** Allowed edges that would make the walls themselves circular. */
export function circularWalls(): string[] {
  const reach = (from: string, seen: Set<string>): Set<string> => {
    for (const to of walls[from] ?? []) {
      if (!seen.has(to)) reach(to, seen.add(to));
    }
    return seen;
  };
  return Object.keys(walls).filter((name) => reach(name, new Set()).has(name));
}
