import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runGraphs } from './run.ts';

const x = suite('random graphs');

// `npm run fuzz:graphs` is the long run.
x('give the same by the naive reference, by sessions, and after passes in any order', () => {
  const { graphs, failures } = runGraphs({ runs: 200, seed: 20, maxMs: 5000 });
  assert.equal(failures, []);
  assert.ok(graphs > 20, `${graphs} graphs`);
});

x.run();
