/**
 * Whether addresses lie in what rules name.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import type { Tristate } from "./tristate.ts";

/**
 * Whether an address is among those of `10.0.0.0/8`, `10.0.0.1` or `10.0.0.1-10.0.0.9`.
 *
 * @param address null where it is not known.
 * @returns null where that cannot be decided.
 */
export function matchesAddress(named: string, address: string | null): Tristate {
  const [first, last] = named.split("-") as [string, string?];
  const [network, prefix] = first.split("/") as [string, string?];
  const kind = isIP(network);
  if (kind === 0 || (last !== undefined && isIP(last) !== kind)) return null;
  if (prefix === "0") return true;
  if (address === null) return null;
  if (isIP(address) !== kind) return false;
  const type = kind === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  if (last !== undefined) list.addRange(network, last, type);
  else if (prefix === undefined) list.addAddress(network, type);
  else if (/^\d+$/.test(prefix) && Number(prefix) <= (kind === 4 ? 32 : 128)) {
    list.addSubnet(network, Number(prefix), type);
  } else return null;
  return list.check(address, type);
}
