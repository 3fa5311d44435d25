/** Bytes that grow, little-endian. New ones are zero. */
export class BytesWriter {
  /** Bytes so far. */
  size = 0;
  private data = new Uint8Array(1024);
  private view = new DataView(this.data.buffer);

  /** Adds zeros up to the next position p with p + `ahead` a multiple of `align`. */
  alignTo(align: number, ahead = 0): void {
    this.add(Math.ceil((this.size + ahead) / align) * align - ahead - this.size);
  }

  /** Adds zeros, and says where they start. */
  add(bytes: number): number {
    const start = this.size;
    this.size += bytes;
    if (this.size > this.data.length) {
      const data = new Uint8Array(Math.max(2 * this.data.length, this.size));
      data.set(this.data.subarray(0, start));
      this.data = data;
      this.view = new DataView(data.buffer);
    }
    return start;
  }

  set(at: number, bytes: Uint8Array): void {
    this.data.set(bytes, at);
  }

  u8(at: number, value: number): void {
    this.data[at] = value;
  }

  u16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  u64(at: number, value: bigint): void {
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  f32(at: number, value: number): void {
    this.view.setFloat32(at, value, true);
  }

  f64(at: number, value: number): void {
    this.view.setFloat64(at, value, true);
  }

  /** A view of all bytes so far. */
  bytes(): Uint8Array {
    return this.data.subarray(0, this.size);
  }
}
