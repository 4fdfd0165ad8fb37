/**
 * Arithmetic of IPv4 addresses.
 *
 * @module
 */

/** Whether an address lies in a subnet such as `10.0.0.0/8`. */
export function contains(subnet: string, address: string): boolean {
  const [network, length] = subnet.split("/");
  const bits = Number(length);
  // JavaScript shifts by 32 as by 0.
  const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
  return (numberOf(network!) & mask) >>> 0 === (numberOf(address) & mask) >>> 0;
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
