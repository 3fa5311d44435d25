// Which file every import statement of a project means. esbuild resolves; the files themselves are used as they are.
import { join } from 'node:path';
import { build } from 'esbuild';

/** @param project     folder that paths are relative to
 *  @param entry       file in it
 *  @param conditions  package.json conditions, e.g. ['workerd']
 *  @returns           Map of path → { esm, imports: [{ specifier, path }] } for all that the entry reaches */
export async function moduleGraph(project, entry, conditions) {
  const { metafile } = await build({
    absWorkingDir: project,
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: 'unused',
    format: 'esm',
    platform: 'browser',
    conditions,
    loader: { '.wasm': 'binary' },
    external: ['node:*'],
    metafile: true,
    logLevel: 'silent',
  });
  return new Map(
    Object.entries(metafile.inputs).map(([path, input]) => [
      path,
      {
        esm: input.format === 'esm',
        imports: input.imports
          .filter((item) => !item.external && item.original !== undefined)
          .map((item) => ({ specifier: item.original, path: item.path })),
      },
    ]),
  );
}

/** A CommonJS dependency as one ES module with a default export, as CDNs and bundlers make it.
 *  @returns source text */
export async function toEsm(project, path) {
  const { outputFiles } = await build({
    absWorkingDir: project,
    entryPoints: [join(project, path)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}
