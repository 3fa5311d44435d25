import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { decodeUtf8, encodeUtf8, utf8Length } from '../../src/formats/utf8.ts';

const x = suite('utf8');

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

x('valid text reads as TextDecoder reads it, at every length', () => {
  const text = 'aZ~\u0080é߿ࠀ中\ud7ff\ue000\ufeff\uffff😀\u{10ffff}';
  for (const repeat of [1, 2, 5, 50, 1000]) {
    const long = text.repeat(repeat);
    const encoded = new TextEncoder().encode(long);
    assert.is(decodeUtf8(encoded), long);
    assert.equal(encodeUtf8(long), encoded);
    assert.is(utf8Length(long), encoded.length);
  }
});

x('a byte order mark is kept', () => {
  assert.is(decodeUtf8(bytes(0xef, 0xbb, 0xbf, 0x61)), '\ufeffa');
});

x('bytes that are not UTF-8 become lone surrogates', () => {
  assert.is(decodeUtf8(bytes(0x61, 0xff, 0x62)), 'a\udcffb');
  // Overlong, a surrogate, beyond U+10FFFF, cut off.
  assert.is(decodeUtf8(bytes(0xc0, 0x80)), '\udcc0\udc80');
  assert.is(decodeUtf8(bytes(0xed, 0xa0, 0x80)), '\udced\udca0\udc80');
  assert.is(decodeUtf8(bytes(0xf4, 0x90, 0x80, 0x80)), '\udcf4\udc90\udc80\udc80');
  assert.is(decodeUtf8(bytes(0xe4, 0xb8)), '\udce4\udcb8');
});

x('any bytes come back', () => {
  const { below } = random(7);
  // Leads and continuations are more likely than chance has them.
  const likely = [0x41, 0x80, 0xbf, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0xff];
  for (let run = 0; run < 3000; run++) {
    const data = Uint8Array.from({ length: below(120) }, () =>
      below(3) === 0 ? below(256) : likely[below(likely.length)]!,
    );
    const text = decodeUtf8(data);
    assert.equal(encodeUtf8(text), data);
    assert.is(utf8Length(text), data.length);
    // What is valid to the platform reads the same.
    try {
      const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
      assert.is(text, strict);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      assert.match(text, /[\udc80-\udcff]/);
    }
  }
});

x('surrogates that stand for no byte are refused', () => {
  assert.throws(
    () => encodeUtf8('\ud800'),
    (error: unknown) => error instanceof RangeError,
  );
  assert.throws(
    () => utf8Length('a\udc7f'),
    (error: unknown) => error instanceof RangeError,
  );
});

x.run();
