/**
 * The functions whose calls are worth timing or counting, by their mangled names.
 *
 * @module
 */

const STRING = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

/** Called by the server's own code for each lease that a packet wants, by family. */
export const ALLOCATIONS: Readonly<
  Record<4 | 6, readonly { readonly symbol: string; readonly hitsPerPacket: number }[]>
> = {
  4: [{
    symbol: "_ZN3isc4dhcp11AllocEngine14allocateLease4ERNS1_14ClientContext4E",
    hitsPerPacket: 1,
  }],
  6: [
    {
      symbol: "_ZN3isc4dhcp11AllocEngine15allocateLeases6ERNS1_14ClientContext6E",
      hitsPerPacket: 1,
    },
    {
      symbol: "_ZN3isc4dhcp11AllocEngine12renewLeases6ERNS1_14ClientContext6E",
      hitsPerPacket: 0,
    },
  ],
};

/** Called by the server's own code for every counter that it raises. */
export const ADD_VALUE = `_ZN3isc5stats8StatsMgr8addValueERK${STRING}l`;

/**
 * Counters of refused packets, those of Kea 3.2 among them. In code a compiler may keep the last byte of
 * a name elsewhere.
 */
export const REFUSAL_COUNTERS: readonly string[] = [
  "receive-drop",
  "parse-failed",
  "queue-full",
  "rfc-violation",
  "admin-filtered",
  "not-for-us",
  "processing-failed",
  "limit-exceeded",
  "duplicate",
  "service-disabled",
].flatMap((end) => [`pkt4-${end}`, `pkt6-${end}`]);

/** Entries that Kea passes only when something is logged, by severity. */
export const LOGGER_ENTRIES: Readonly<Record<string, string>> = {
  info: "_ZN3isc3log6Logger4infoERKPKc",
  warn: "_ZN3isc3log6Logger4warnERKPKc",
  error: "_ZN3isc3log6Logger5errorERKPKc",
  fatal: "_ZN3isc3log6Logger5fatalERKPKc",
};

/** Takes what PostgreSQL answered to a prepared statement; called right behind PQexecPrepared. */
export const POSTGRESQL_RESULT = "_ZN3isc2db11PgSqlResultC1EP9pg_result";

/** Asked before the callouts of a hook point are called, whether there are any or not. */
export const CALLOUTS_PRESENT = "_ZN3isc5hooks12HooksManager15calloutsPresentEi";

/** Edges of a packet's stages, and the hook point that Kea asks for there; N is the family. */
export const STAGE_EDGES: Readonly<Record<string, string>> = {
  process: "bufferN_receive",
  parsed: "pktN_receive",
  committed: "pktN_send",
  packed: "bufferN_send",
};

/** Sends a prepared statement, and waits for the answer. */
export const MARIADB_EXECUTE = "mysql_stmt_execute";

/** SQL statements a packet of a DORA, leases in the database (counted on 2.2.0). */
export const STATEMENTS_PER_PACKET = 4;

const LEASE4 = "RKN5boost10shared_ptrINS0_6Lease4EEE";
const MEMFILE = "_ZN3isc4dhcp16Memfile_LeaseMgr";
const MEMFILE_CONST = "_ZNK3isc4dhcp16Memfile_LeaseMgr";

/** An operation of the lease manager: the public function calls the inner one, with its lock held. */
export interface Operation {
  readonly operation: string;
  readonly caller: string;
  readonly inner: string;
  /** How often it comes a packet (DORA of perfdhcp, with client ids, counted on 2.2.0). */
  readonly hitsPerPacket: number;
}

const GET = `${MEMFILE_CONST}9getLease4E`;
const GET_INNER = `${MEMFILE_CONST}17getLease4InternalE`;
const FOUND = "RSt6vectorIN5boost10shared_ptrINS0_6Lease4EEESaIS9_EE";

/**
 * The DHCPv4 operations of the memfile lease manager on a packet's way. The inner functions call
 * each other too; only the calls from the public ones are timed, so that no interval holds another.
 */
export const LEASE_MANAGER4: readonly Operation[] = [
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

/** The site where a callout asks for the parking lot, and may leave its packet to another thread. */
export const PARKED = "allocation.parked";
