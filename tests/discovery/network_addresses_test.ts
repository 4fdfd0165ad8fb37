import assert from "node:assert/strict";
import { interfacesMeant, type NetworkInterface } from "../../discovery/network_addresses.ts";

const THERE: readonly NetworkInterface[] = ["lo", "eth0", "eth1"].map((name) => ({
  name,
  index: 1,
  isUp: true,
  mtu: 1500,
  kind: null,
  addresses: [],
  dropped: 0,
}));

Deno.test("interfacesMeant() gives an interface once that is named with and without an address", () => {
  const eth0 = { name: "eth0", addresses: ["fd77::1"] };
  assert.deepEqual(interfacesMeant(["eth0", "eth0/fd77::1"], THERE), [eth0]);
  assert.deepEqual(interfacesMeant(["*", "eth0/fd77::1"], THERE), [
    eth0,
    { name: "eth1", addresses: [] },
  ]);
});

Deno.test("interfacesMeant() gives all addresses that a configuration names, each once", () => {
  assert.deepEqual(
    interfacesMeant(["eth0/10.0.0.1", "eth1", "eth0/10.0.0.2", "eth0/10.0.0.1"], THERE),
    [{ name: "eth0", addresses: ["10.0.0.1", "10.0.0.2"] }, { name: "eth1", addresses: [] }],
  );
});

Deno.test("interfacesMeant() keeps an interface that is not there", () => {
  assert.deepEqual(interfacesMeant(["eth9"], THERE), [{ name: "eth9", addresses: [] }]);
});
