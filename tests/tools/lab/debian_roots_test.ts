import assert from "node:assert/strict";
import { mirrorIn } from "../../../tools/lab/debian_roots.ts";
import { LabError } from "../../../tools/lab/lab_error.ts";

// apt-get indextargets of Debian 12 (apt 2.6.1), with a third party's repository.
const TARGETS = `https://deb.example.org/node_20.x/|Example|Example
http://mirror.example.org/debian-security/|Debian|Debian-Security
http://mirror.example.org/debian/|Debian|Debian
http://mirror.example.org/debian/|Debian|Debian`;

Deno.test("mirrorIn() passes over other origins and the mirror of security fixes", () => {
  assert.equal(mirrorIn(TARGETS), "http://mirror.example.org/debian/");
});

Deno.test("mirrorIn() says what to do where apt knows no Debian mirror", () => {
  for (const targets of ["", "http://mirror.example.org/ubuntu/|Ubuntu|Ubuntu"]) {
    assert.throws(
      () => mirrorIn(targets),
      (error: Error) => error instanceof LabError && /sources\.list/.test(error.message),
    );
  }
});
