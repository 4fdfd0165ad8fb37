import assert from "node:assert/strict";
import fc from "fast-check";
import { fieldsOf, MessageError } from "../../../export/protobuf/message_reader.ts";
import { MessageWriter } from "../../../export/protobuf/message_writer.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

// The examples of https://protobuf.dev/programming-guides/encoding/
Deno.test("MessageWriter writes the examples of the specification", () => {
  assert.equal(hex(new MessageWriter().uint(1, 150).finish()), "089601");
  assert.equal(hex(new MessageWriter().string(2, "testing").finish()), "120774657374696e67");
  const inner = new MessageWriter().uint(1, 150);
  assert.equal(hex(new MessageWriter().message(3, inner).finish()), "1a03089601");
  assert.equal(
    hex(new MessageWriter().packedUints(6, [3, 270, 86942n]).finish()),
    "3206038e029ea705",
  );
  assert.equal(hex(new MessageWriter().sint(1, -2).finish()), "0803");
  assert.equal(hex(new MessageWriter().uint(1, -2n).finish()), "08feffffffffffffffff01");
  assert.equal(hex(new MessageWriter().double(1, 1).finish()), "09000000000000f03f");
  assert.equal(hex(new MessageWriter().fixed(1, -1n).finish()), "09ffffffffffffffff");
  assert.equal(hex(new MessageWriter().uint(1, 1).delimited()), "020801");
});

Deno.test("fieldsOf() reads what MessageWriter writes", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
          fc.nat(),
          fc.uint8Array({ maxLength: 300 }),
        ),
      ),
      (values) => {
        const writer = new MessageWriter();
        values.forEach((value, index) => {
          const field = 1 + index * 7;
          if (value instanceof Uint8Array) writer.bytes(field, value);
          else if (typeof value === "number") writer.uint(field, value);
          else writer.fixed(field, value);
        });
        assert.deepEqual(
          [...fieldsOf(writer.finish())],
          values.map((value, index) => ({
            number: 1 + index * 7,
            value: value instanceof Uint8Array ? value : BigInt(value),
          })),
        );
      },
    ),
  );
});

Deno.test("fieldsOf() reads any bytes, or says that they are no message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        [...fieldsOf(bytes)];
      } catch (error) {
        assert.ok(error instanceof MessageError);
      }
    }),
  );
  for (
    const text of [
      "0a",
      "0a05",
      "0aff",
      "09",
      "08ffffffffffffffffffffff",
      "0b",
      "0affffffffffffffffff01",
    ]
  ) {
    assert.throws(() => [...fieldsOf(Uint8Array.fromHex(text))], MessageError, text);
  }
});
