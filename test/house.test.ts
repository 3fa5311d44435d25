import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { broken, mostLines, rules, undocumented } from './house/rules.ts';
import { filesUnder, importsOf, sourceFile } from './house/source.ts';
import { brokenWalls, circularWalls, cycles } from './house/walls.ts';

const code = /\.(ts|mjs|js)$/;
const src = filesUnder('src/', code);
const all = [
  ...src,
  ...['test/', 'bench/', 'scripts/', 'assembly/', 'examples/', 'web/'].flatMap((folder) =>
    filesUnder(folder, /\.(ts|mjs|js|md|html)$/),
  ),
  ...filesUnder('.ci/', /^run$/),
  ...['README', 'ARCHITECTURE', 'SECURITY', 'CHANGELOG'].flatMap((name) =>
    filesUnder('', new RegExp(`^${name}\\.md$`)),
  ),
];

const house = suite('house');

house('walls between the folders of src', () => {
  assert.ok(src.length > 20);
  none(src.flatMap(brokenWalls));
  none(circularWalls());
});

house('no cycles between files', () => {
  none(cycles(src));
});

for (const rule of rules) {
  house(rule.name, () => {
    none(all.flatMap((file) => broken(rule, file)));
  });
}

/** By its first line: see scripts/tflite-schema.ts. */
const isGenerated = (text: string): boolean => text.startsWith('/** Made by scripts/');

house(`files have at most ${mostLines} lines`, () => {
  const lengths = all
    .filter((file) => code.test(file.path) && !isGenerated(file.text))
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }));
  none(lengths.filter(({ lines }) => lines > mostLines).map((f) => `${f.path}: ${f.lines}`));
});

house('every exported function and class says what it is', () => {
  none(src.flatMap(undocumented));
});

house.run();

const rulesThemselves = suite('the house rules find what they forbid');

for (const rule of rules) {
  rulesThemselves(rule.name, () => {
    const path = 'src/ir/example.ts';
    assert.is(broken(rule, sourceFile(path, rule.breaks)).length, 1, rule.breaks);
    assert.is(broken(rule, sourceFile(path, rule.keeps)).length, 0, rule.keeps);
    if (!rule.inText) {
      const hidden = `// ${rule.breaks}\nconst s = ${JSON.stringify(rule.breaks)};\n`;
      assert.is(broken(rule, sourceFile(path, hidden)).length, 0, hidden);
      assert.is(broken(rule, sourceFile(path, `\`a\${${rule.breaks}}b\``)).length, 1);
    }
  });
}

rulesThemselves('imports of every form', () => {
  const text = `import a from './a.ts';
import type { B } from "./b.ts";
import { type C, c } from './c.ts';
import './d.ts';
import {
  e, // from './no.ts'
} from './e.ts';
export * from './f.ts';
export type { G } from './g.ts';
export const from = 'x';
const h = await import('./h.ts');
import type from './i.ts';
const text = "import j from './j.ts'";
const pattern = /['"\`]/; import k from './k.ts';
`;
  assert.equal(
    importsOf(sourceFile('src/x.ts', text)).map(
      (e) => `${e.specifier}${e.typeOnly ? ' type' : ''}`,
    ),
    [
      ...['./a.ts', './b.ts type', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts type'],
      ...['./i.ts', './k.ts', './h.ts'],
    ],
  );
});

rulesThemselves('broken walls', () => {
  const problems = (path: string, specifier: string, type = ''): number =>
    brokenWalls(sourceFile(path, `import ${type}{ x } from '${specifier}';`)).length;
  assert.is(problems('src/core/a.ts', '../ir/graph.ts'), 1);
  assert.is(problems('src/ir/a.ts', '../core/shape.ts'), 0);
  assert.is(problems('src/formats/onnx/a.ts', '../tflite/read.ts'), 1);
  assert.is(problems('src/formats/torch/a.ts', '../zip/read.ts'), 0);
  assert.is(problems('src/formats/onnx/a.ts', '../protobuf.ts'), 0);
  assert.is(problems('src/formats/onnx/a.ts', 'protobufjs/minimal.js'), 1);
  assert.is(problems('src/formats/protobuf.ts', 'protobufjs/minimal.js'), 0);
  assert.is(problems('src/formats/protobuf.ts', 'protobufjs'), 1);
  assert.is(problems('src/runtime/a.ts', 'node:fs'), 1);
  assert.is(problems('src/host/node.ts', 'node:fs'), 0);
  assert.is(problems('src/host/node.ts', '../runtime/session.ts'), 1);
  assert.is(problems('src/host/node.ts', '../runtime/session.ts', 'type '), 0);
  assert.is(problems('src/index.ts', './cli/main.ts'), 1);
  assert.is(problems('src/index.ts', './compress/index.ts'), 0);
  assert.is(problems('src/cli/main.ts', '../index.ts'), 0);
});

rulesThemselves('cycles', () => {
  const a = sourceFile('src/core/a.ts', "import { b } from './b.ts';");
  const b = sourceFile('src/core/b.ts', "import { a } from './a.ts';");
  const type = sourceFile('src/core/b.ts', "import type { a } from './a.ts';");
  assert.equal(cycles([a, b]), ['src/core/a.ts → src/core/b.ts → src/core/a.ts']);
  assert.equal(cycles([a, type]), []);
});

rulesThemselves('functions without a doc comment', () => {
  const text = '/** Adds. */\nexport function a(): void {}\n\nexport async function b() {}\n';
  assert.equal(undocumented(sourceFile('src/a.ts', text)), ['src/a.ts:4: b']);
});

rulesThemselves.run();

/** Fails with the list, one a line. */
function none(problems: readonly string[]): void {
  assert.is(problems.length, 0, `\n  ${problems.join('\n  ')}`);
}
