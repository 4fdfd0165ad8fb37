/**
 * The family of a DHCP server, and how it receives.
 *
 * @module
 */

/** DHCP family: 4 for kea-dhcp4, 6 for kea-dhcp6. */
export type Family = 4 | 6;

/** How a server receives DHCPv4: whole frames on packet sockets, or datagrams; DHCPv6 has only UDP. */
export const SOCKET_KINDS = ["raw", "udp"] as const;

/** A kind of socket. */
export type SocketKind = typeof SOCKET_KINDS[number];
