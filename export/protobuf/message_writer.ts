/**
 * The wire format of Protocol Buffers, as much of it as Prometheus and OTLP need.
 *
 * @module
 */

/** Wire types, https://protobuf.dev/programming-guides/encoding/ */
const [VARINT, FIXED64, BYTES] = [0, 1, 2];

/** Bytes of a new message; it grows. */
const FIRST_SIZE = 64;

/** Writes one message, field by field. */
export class MessageWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** uint64, uint32, enum, bool. */
  uint(field: number, value: bigint | number): this {
    this.#tag(field, VARINT);
    this.#varint(value);
    return this;
  }

  /** sint64, sint32. */
  sint(field: number, value: bigint | number): this {
    return this.uint(field, zigzag(BigInt(value)));
  }

  /** fixed64, sfixed64. */
  fixed(field: number, value: bigint): this {
    this.#tag(field, FIXED64);
    this.#fixed(value);
    return this;
  }

  double(field: number, value: number): this {
    this.#tag(field, FIXED64);
    this.#double(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, BYTES);
    this.#varint(value.length);
    this.#append(value);
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.#written());
  }

  /** Packed repeated sint64 or sint32. */
  packedSints(field: number, values: readonly (bigint | number)[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#varint(zigzag(BigInt(value)));
    return this.message(field, packed);
  }

  /** Packed repeated uint64 or uint32. */
  packedUints(field: number, values: readonly (bigint | number)[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  /** Packed repeated fixed64. */
  packedFixed(field: number, values: readonly bigint[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#fixed(value);
    return this.message(field, packed);
  }

  /** Packed repeated double. */
  packedDoubles(field: number, values: readonly number[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#double(value);
    return this.message(field, packed);
  }

  /** The message. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** The message behind its length, as it stands in a stream of several. */
  delimited(): Uint8Array<ArrayBuffer> {
    const stream = new MessageWriter();
    stream.#varint(this.#length);
    stream.#append(this.#written());
    return stream.finish();
  }

  /** The message, valid until it grows. */
  #written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: bigint | number): void {
    this.#ensure(10);
    if (typeof value === "number" && value >= 0 && value <= 0x7fffffff) {
      let rest = value;
      for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#length++] = rest & 0x7f | 0x80;
      this.#bytes[this.#length++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #fixed(value: bigint): void {
    this.#ensure(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  #double(value: number): void {
    this.#ensure(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #append(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Makes room for so many bytes more. */
  #ensure(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Small numbers of either sign become small numbers without one. */
function zigzag(value: bigint): bigint {
  return (value << 1n) ^ (value >> 63n);
}
