import assert from "node:assert/strict";
import {
  controlSocketsIn,
  dhcpConfigurationIn,
  subnetsIn,
} from "../../../discovery/configuration/dhcp_configuration.ts";

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [null, /^the whole: /],
  [[], /^the whole: /],
  [{}, /^Dhcp4: /],
  [{ Dhcp4: null }, /^Dhcp4: .*object.*null/],
  [{ Dhcp6: {} }, /^Dhcp4: /],
  [{ Dhcp4: { "hosts-databases": 5 } }, /^Dhcp4\.hosts-databases: .*array.*number/],
  [{ Dhcp4: { "interfaces-config": { interfaces: [{}] } } }, /interfaces\.0: .*string/],
  [{ Dhcp4: { subnet4: [{ subnet: "10.0.0.0/8", pools: {} }] } }, /subnet4\.0\.pools: /],
];

for (const [values, why] of WRONG) {
  Deno.test(`dhcpConfigurationIn() refuses ${JSON.stringify(values)} and says where`, () => {
    assert.throws(() => dhcpConfigurationIn(values, 4), { name: "DiscoveryError", message: why });
  });
}

Deno.test("dhcpConfigurationIn() shows the text that Kea's bytes are, and bytes that are none as they are", () => {
  const dhcp = dhcpConfigurationIn({
    Dhcp4: { "interfaces-config": { interfaces: ["caf\u00c3\u00a9", "caf\u00e9"] } },
  }, 4);
  assert.deepEqual(dhcp["interfaces-config"]!.interfaces, ["café", "caf\u00e9"]);
});

Deno.test("subnetsIn() finds those of shared networks too, of one family", () => {
  const dhcp = dhcpConfigurationIn({
    Dhcp4: {
      subnet4: [{ subnet: "10.1.0.0/16" }],
      "shared-networks": [{ name: "a", subnet4: [{ subnet: "10.2.0.0/16" }] }, {}],
    },
  }, 4);
  assert.deepEqual(subnetsIn(dhcp, 4).map(({ subnet }) => subnet), ["10.1.0.0/16", "10.2.0.0/16"]);
  assert.deepEqual(subnetsIn(dhcp, 6), []);
});

Deno.test("controlSocketsIn() finds the one of old versions and the list of new ones", () => {
  const of = (dhcp: object) => controlSocketsIn(dhcpConfigurationIn({ Dhcp4: dhcp }, 4));
  const unix = { "socket-type": "unix", "socket-name": "kea4-ctrl-socket" };
  const http = { "socket-type": "http", "socket-address": "::1", "socket-port": 8004 };
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ "control-socket": unix }), [unix]);
  assert.deepEqual(of({ "control-sockets": [http, unix] }), [http, unix]);
});
