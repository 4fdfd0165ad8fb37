/**
 * Names of DHCP messages, as Kea spells them (Pkt4::getName, Pkt6::getName).
 *
 * @module
 */

/** DHCPv4, option 53: RFC 2132, 3203, 4388, 6926; 15 is a packet without it. */
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
  "DHCPBULKLEASEQUERY",
  "BOOTP",
];

/** DHCPv6: RFC 8415, 5007, 5460, 7341, 9686. */
const V6: readonly string[] = Object.assign([
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
  "INFORMATION_REQUEST",
  "RELAY_FORWARD",
  "RELAY_REPLY",
  "LEASEQUERY",
  "LEASEQUERY_REPLY",
  "LEASEQUERY_DONE",
  "LEASEQUERY_DATA",
], {
  20: "DHCPV4_QUERY",
  21: "DHCPV4_RESPONSE",
  36: "ADDR_REG_INFORM",
  37: "ADDR_REG_REPLY",
});

/** The name of a message type; `type-N` for an unknown one. */
export function messageName(family: 4 | 6, type: number): string {
  return (family === 4 ? V4 : V6)[type] ?? `type-${type}`;
}

/**
 * Whether servers answer such a message: no DHCPv4 server answers DHCPDECLINE and DHCPRELEASE
 * (RFC 2131, 4.3.3 and 4.3.4); in DHCPv6 each has its REPLY.
 */
export function expectsAnswer(family: 4 | 6, type: number): boolean {
  return family === 6 || (type !== 4 && type !== 7);
}

/** The position of a message in the order of an exchange; Infinity for an unknown name. */
export function messageRank(name: string): number {
  const rank = Math.max(V4.indexOf(name), V6.indexOf(name));
  return rank < 0 ? Infinity : rank;
}
