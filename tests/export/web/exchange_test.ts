import assert from "node:assert/strict";
import { takesGzip } from "../../../export/web/exchange.ts";

Deno.test("takesGzip() is true only for those that ask for it", () => {
  for (const accept of ["gzip", "deflate, GZIP;q=0.5", "x-gzip", "gzip; q=0.001"]) {
    assert.equal(takesGzip(accept), true, accept);
  }
  for (const accept of [undefined, "", "identity", "gzip;q=0", "gzip; q=0.000", "br", "*"]) {
    assert.equal(takesGzip(accept), false, accept);
  }
});
