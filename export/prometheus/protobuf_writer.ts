/**
 * The wire format of Protocol Buffers, as much of it as Prometheus and OTLP need.
 *
 * @module
 */

/** Wire types, https://protobuf.dev/programming-guides/encoding/ */
const [VARINT, FIXED64, BYTES] = [0, 1, 2];

/** Writes one message, field by field. */
export class MessageWriter {
  readonly #bytes: number[] = [];

  /** uint64, uint32, enum, bool. */
  uint(field: number, value: bigint | number): this {
    this.#tag(field, VARINT);
    this.#varint(BigInt(value));
    return this;
  }

  /** sint64, sint32. */
  sint(field: number, value: bigint | number): this {
    return this.uint(field, zigzag(BigInt(value)));
  }

  double(field: number, value: number): this {
    this.#tag(field, FIXED64);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#bytes.push(...bytes);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, BYTES);
    this.#varint(BigInt(value.length));
    for (const byte of value) this.#bytes.push(byte);
    return this;
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish());
  }

  /** Packed repeated sint64 or sint32. */
  packedSints(field: number, values: readonly (bigint | number)[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#varint(zigzag(BigInt(value)));
    return this.bytes(field, packed.finish());
  }

  /** The message. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** The message behind its length, as it stands in a stream of several. */
  delimited(): Uint8Array {
    const length = new MessageWriter();
    length.#varint(BigInt(this.#bytes.length));
    return Uint8Array.from([...length.#bytes, ...this.#bytes]);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(BigInt(field << 3 | wireType));
  }

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
  }
}

/** Small numbers of either sign become small numbers without one. */
function zigzag(value: bigint): bigint {
  return (value << 1n) ^ (value >> 63n);
}
