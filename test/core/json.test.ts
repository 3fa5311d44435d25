import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, LimitError } from '../../src/core/errors.ts';
import { type Json, parseJson } from '../../src/core/json.ts';

const x = suite('strict json');

/** With prototypes, to compare. */
function plainOf(value: Json): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item)]));
}

x('agrees with JSON.parse on what it writes', () => {
  const value = fc
    .jsonValue({ maxDepth: 4 })
    .filter((json) => !JSON.stringify(json).includes('__proto__'));
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (json, indent) => {
      const text = JSON.stringify(json, null, indent);
      const isUnsafe = /(?<![\d.e+-])-?\d{16,}(?![\d.e])/.test(text);
      if (!isUnsafe) assert.equal(plainOf(parseJson(text)), JSON.parse(text));
    }),
  );
});

x('large integers stay exact', () => {
  assert.is(parseJson('9007199254740993'), 9007199254740993n);
  assert.is(parseJson('-9223372036854775808'), -9223372036854775808n);
  assert.is(parseJson('9007199254740991'), 9007199254740991);
  assert.is(parseJson('1e3'), 1000);
});

// Cases of the JSON parsing test suite (n_*, and i_* that are refused here).
const bad = [
  ...[
    '',
    ' ',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    "{'a':1}",
    '[1',
    '{"a":1',
    '"a',
    '"\t"',
  ],
  ...[
    '01',
    '+1',
    '.5',
    '1.',
    '1e',
    '0x1',
    'NaN',
    'Infinity',
    '-',
    'tru',
    'nul',
    'truefalse',
    '[1]x',
    '"\\x"',
    '"\\u12"',
  ],
  ...[
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    '1e999',
    '\u00a01',
    '[1]\u0000',
    '{"a":1}{}',
    '"\\u00G0"',
    '/**/1',
  ],
];

for (const text of bad) {
  x(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseJson(text),
      (error: unknown) => error instanceof FormatError,
    );
  });
}

x('depth is limited before the stack is', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(parseJson(nested(64)));
  assert.throws(
    () => parseJson(nested(65)),
    (error: unknown) => error instanceof LimitError,
  );
  assert.throws(
    () => parseJson('['.repeat(1e6)),
    (error: unknown) => error instanceof LimitError,
  );
  assert.ok(parseJson(nested(100), { depth: 100 }));
});

x('the offset is told', () => {
  assert.throws(
    () => parseJson('{"a": [1, x]}', { where: 'header' }),
    (error: unknown) => error instanceof FormatError && error.where === 'header, character 10',
  );
});

x.run();
