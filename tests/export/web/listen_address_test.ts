import assert from "node:assert/strict";
import { addressText, isLoopback, listenAddress } from "../../../export/web/listen_address.ts";

Deno.test("listenAddress() reads what other exporters take", () => {
  assert.deepEqual(listenAddress("127.0.0.1:10047"), { host: "127.0.0.1", port: 10047 });
  assert.deepEqual(listenAddress("[::1]:1"), { host: "::1", port: 1 });
  assert.deepEqual(listenAddress(":10047"), { host: "", port: 10047 });
  assert.deepEqual(listenAddress("unix:/run/a.sock"), { path: "/run/a.sock" });
  assert.equal(addressText(listenAddress("[::1]:1")), "[::1]:1");
  for (
    const wrong of ["", "host", "host:65536", "::1:1", "unix:", "host:1:2", "[::1]", "host:-1"]
  ) {
    assert.throws(() => listenAddress(wrong), {
      name: "AddressError",
      message: `Cannot listen on "${wrong}": expected HOST:PORT or unix:PATH`,
    });
  }
});

Deno.test("isLoopback() knows the addresses that no other host reaches, once they are bound", () => {
  const bound = (address: string) => ({ address, family: "", port: 1 });
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert.equal(isLoopback(bound(address)), true, address);
  }
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "127.evil"]) {
    assert.equal(isLoopback(bound(address)), false, address);
  }
  assert.deepEqual(["/run/a.sock", null].map(isLoopback), [false, false]);
});
