const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

/** CRC-32 as in ZIP, gzip and PNG.
 *  @param sum  of the bytes before, to go on with
 *  Source: ISO 3309. */
export function crc32(bytes: Uint8Array, sum = 0): number {
  let crc = ~sum;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
