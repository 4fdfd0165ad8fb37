/**
 * What tells DHCP servers apart everywhere: their family, and how they receive.
 *
 * @module
 */

/** DHCP family: 4 for kea-dhcp4, 6 for kea-dhcp6. */
export type Family = 4 | 6;

/** How a server receives DHCPv4: whole frames on packet sockets, or datagrams; DHCPv6 has UDP alone. */
export const SOCKET_KINDS = ["raw", "udp"] as const;

/** One of them. */
export type SocketKind = typeof SOCKET_KINDS[number];
