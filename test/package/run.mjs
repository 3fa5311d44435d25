// Packs the package, installs it as a user would, and looks at it: `npm run test:package`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const checks = readdirSync(here).filter((file) => file.endsWith('.check.ts'));
const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    join(here, '../../scripts/test-run.mjs'),
    ...checks.sort().map((file) => `test/package/${file}`),
  ],
  { cwd: join(here, '../..'), stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exitCode = status ?? 1;
