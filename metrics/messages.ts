/**
 * Names of DHCP messages, as the RFCs and Kea spell them.
 *
 * @module
 */

/** DHCPv4, option 53: RFC 2132, 3203, 4388. */
const V4: readonly string[] = [
  "unknown",
  "DHCPDISCOVER",
  "DHCPOFFER",
  "DHCPREQUEST",
  "DHCPDECLINE",
  "DHCPACK",
  "DHCPNAK",
  "DHCPRELEASE",
  "DHCPINFORM",
  "DHCPFORCERENEW",
  "DHCPLEASEQUERY",
  "DHCPLEASEUNASSIGNED",
  "DHCPLEASEUNKNOWN",
  "DHCPLEASEACTIVE",
];

/** DHCPv6: RFC 8415. */
const V6: readonly string[] = [
  "unknown",
  "SOLICIT",
  "ADVERTISE",
  "REQUEST",
  "CONFIRM",
  "RENEW",
  "REBIND",
  "REPLY",
  "RELEASE",
  "DECLINE",
  "RECONFIGURE",
  "INFORMATION-REQUEST",
  "RELAY-FORW",
  "RELAY-REPL",
];

/** The name of a message type; `type-N` for one that has none here. */
export function messageName(family: 4 | 6, type: number): string {
  return (family === 4 ? V4 : V6)[type] ?? `type-${type}`;
}
