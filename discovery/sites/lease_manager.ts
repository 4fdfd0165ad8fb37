/**
 * Where the lease manager's public functions call the inner ones, while holding the lock.
 *
 * @module
 */

import { callsWithin, type DecodedCode, tailJumpsTo } from "../code/call_sites.ts";
import { codeOfFunctions } from "../code/decoded_code.ts";
import { type Bounds, boundsOf, exportedFunctions } from "../code/elf.ts";
import type { MappedFile, Program } from "../types.ts";
import type { Refusal, Site, SiteSearch } from "./types.ts";
import { keptSearch } from "./kept_search.ts";
import { gather, refused, sitesAroundCall } from "./site.ts";
import { isMultiThreaded } from "./threading.ts";

const LEASE4 = "RKN5boost10shared_ptrINS0_6Lease4EEE";
const MEMFILE = "_ZN3isc4dhcp16Memfile_LeaseMgr";
const MEMFILE_CONST = "_ZNK3isc4dhcp16Memfile_LeaseMgr";

/** An operation of the lease manager: the public function calls the inner one while holding the lock. */
interface Operation {
  readonly operation: string;
  readonly caller: string;
  readonly inner: string;
  /** Calls per packet (DORA of perfdhcp, with client ids, counted on 2.2.0). */
  readonly hitsPerPacket: number;
}

const GET = `${MEMFILE_CONST}9getLease4E`;
const GET_INNER = `${MEMFILE_CONST}17getLease4InternalE`;
const FOUND = "RSt6vectorIN5boost10shared_ptrINS0_6Lease4EEESaIS9_EE";

/**
 * The DHCPv4 operations of the memfile lease manager for a packet. The inner functions also call each other;
 * only the calls from the public ones are timed, so that intervals do not overlap.
 */
const LEASE_MANAGER4: readonly Operation[] = [
  {
    operation: "getLease4_address",
    caller: `${GET}RKNS_8asiolink9IOAddressE`,
    inner: `${GET_INNER}RKNS_8asiolink9IOAddressE`,
    hitsPerPacket: 1.5,
  },
  {
    operation: "getLease4_hwaddr",
    caller: `${GET}RKNS0_6HWAddrE`,
    inner: `${GET_INNER}RKNS0_6HWAddrE${FOUND}`,
    hitsPerPacket: 1,
  },
  {
    operation: "getLease4_client_id",
    caller: `${GET}RKNS0_8ClientIdE`,
    inner: `${GET_INNER}RKNS0_8ClientIdE${FOUND}`,
    hitsPerPacket: 1,
  },
  {
    operation: "addLease4",
    caller: `${MEMFILE}8addLeaseE${LEASE4}`,
    inner: `${MEMFILE}16addLeaseInternalE${LEASE4}`,
    hitsPerPacket: 0.5,
  },
  {
    operation: "updateLease4",
    caller: `${MEMFILE}12updateLease4E${LEASE4}`,
    inner: `${MEMFILE}20updateLease4InternalE${LEASE4}`,
    hitsPerPacket: 0,
  },
  {
    operation: "deleteLease4",
    caller: `${MEMFILE}11deleteLeaseE${LEASE4}`,
    inner: `${MEMFILE}19deleteLeaseInternalE${LEASE4}`,
    hitsPerPacket: 0,
  },
];

/** The calls of the lease operations, with their ends. */
export async function leaseManagerSites(program: Program): Promise<SiteSearch> {
  const id = "lease_manager.";
  const { libraries, family } = program;
  if (family !== 4) return refused(id, "lease operations are known for DHCPv4 only");
  const library = libraries.find(({ path }) => /\/libkea-dhcpsrv\.so/.test(path));
  if (library === undefined) return refused(id, "the server maps no libkea-dhcpsrv");
  // A program that does not run is shown as with threads, where every site exists.
  const multiThreaded = program.pid === null ? true : await isMultiThreaded(program);
  return await keptSearch(
    `${id} ${JSON.stringify({ multiThreaded })}`,
    library,
    (copy) => operationsIn(copy, multiThreaded),
  );
}

async function operationsIn(
  library: MappedFile,
  multiThreaded: boolean | null,
): Promise<SiteSearch> {
  const symbols = await exportedFunctions(library.pinnedPath);
  const operations = LEASE_MANAGER4.map((operation) => ({
    ...operation,
    bounds: boundsOf(symbols, operation.caller),
  }));
  const code = await codeOfFunctions(
    library,
    operations.map(({ bounds }) => bounds).filter((bounds) => bounds !== undefined),
  );
  return gather(
    operations.flatMap((operation) => operationSites(library, code, operation, multiThreaded)),
  );
}

/** The calls of one lease operation: one with threads, one without. */
function operationSites(
  library: MappedFile,
  code: DecodedCode,
  { operation, caller, inner, hitsPerPacket, bounds }: Operation & { bounds: Bounds | undefined },
  multiThreaded: boolean | null,
): (readonly Site[] | Refusal)[] {
  const id = `lease_manager.${operation}`;
  if (bounds === undefined) {
    return [{ id: `${id}.start`, why: `libkea-dhcpsrv does not export ${caller}` }];
  }
  const calls = callsWithin(code, inner, bounds);
  if (calls.length === 0) {
    return [{ id: `${id}.start`, why: "its inner function is not called through the PLT" }];
  }
  // Without threads, the compiler makes the call a tail call if it can.
  const [tail] = tailJumpsTo(code, inner, bounds);
  if (tail !== undefined && multiThreaded !== true) {
    const mode = multiThreaded === null ? "it is unknown whether this server is" : "this server is";
    return [{
      id: `${id}.end`,
      why: `a single-threaded server leaves by a jump at 0x${tail.address.toString(16)} and does ` +
        `not return, and ${mode} single-threaded`,
      inherent: true,
    }];
  }
  return calls.map((call, index) =>
    // Only one of the two is executed.
    sitesAroundCall((edge) => `${id}.${edge}.${index}`, library, call, hitsPerPacket / calls.length)
  );
}
