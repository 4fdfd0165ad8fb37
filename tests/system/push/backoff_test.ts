import assert from "node:assert/strict";
import { waitFor } from "../../../system/push/backoff.ts";

Deno.test("waitFor() doubles up to a minute, with 50 % jitter, and respects afterMs", () => {
  const [least, most] = [() => 0, () => 1];
  assert.deepEqual([1, 2, 3].map((attempt) => waitFor(null, attempt, least)), [500, 1000, 2000]);
  assert.deepEqual([1, 2, 3].map((attempt) => waitFor(null, attempt, most)), [1000, 2000, 4000]);
  assert.equal(waitFor(null, 1000, most), 60_000);
  assert.equal(waitFor(90_000, 1, least), 90_000);
});
