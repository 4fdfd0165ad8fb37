import assert from "node:assert/strict";
import { mirrorIn, suiteCommand, SuiteError } from "../../../tools/lab/debian_suites.ts";

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
      (error: Error) => error instanceof SuiteError && /sources\.list/.test(error.message),
    );
  }
});

Deno.test("suiteCommand() hands arguments on as they are, behind the folders to bind", () => {
  const suite = {
    name: "sid",
    root: "/cache/sid",
    versions: { bpftrace: "0.27.1-1", kea: "3.0.4-2" },
  } as const;
  const argv = ["bpftrace", "-e", `BEGIN { printf("$(id)'"); }`];
  assert.deepEqual(
    suiteCommand(suite, argv, ["/tmp/a folder"]).slice(-10),
    ["sh", "/cache/sid", "/proc", "/sys", "/dev", "/tmp/a folder", "--", ...argv],
  );
});
