/**
 * Which counter a call raises: the name that it passes.
 *
 * @module
 */

import { calledSymbol, type DecodedCode } from "../code/call_sites.ts";
import { branchTarget, type Instruction, isCall } from "../code/disassembly.ts";
import type { Data } from "../code/elf.ts";
import { passedText, REACH } from "../code/passed_text.ts";

/** A name of a counter of Kea's packets, leases or addresses, or the beginning of a subnet's counters. */
const NAME =
  /^(?:subnet(?![a-z0-9-])|(?:pkt[46]|v[46]|declined|assigned|reclaimed|cumulative)-[a-z0-9-]*)/;

/** Ends a stream: Kea builds only the names of a subnet's counters with a stream. */
const STREAM_END = "_ZNSt8ios_baseD2Ev";

/** A call that raises a counter, and the known part of the counter's name; null for none. */
export interface CounterCall {
  readonly call: Instruction;
  readonly name: string | null;
}

/** The name of a subnet's counters here: the rest of their names is made while Kea runs. */
const OF_SUBNET = "subnet";

/**
 * The calls of a function that raises counters, with the names that they pass. An unknown name is a subnet's
 * if the function that built it builds names of subnets and none of packets.
 */
export function counterCalls(
  code: DecodedCode,
  data: readonly Data[],
  symbol: string,
): CounterCall[] {
  const calls = code.instructions.filter((call) => calledSymbol(code, call) === symbol)
    .map((call) => ({
      call,
      name: passedText(code, data, call, NAME, { [STREAM_END]: OF_SUBNET }),
      maker: makerOf(code, call),
    }));
  const makers = (isChosen: (name: string | null) => boolean) =>
    new Set(calls.filter(({ name }) => name !== null && isChosen(name)).map(({ maker }) => maker));
  const ofSubnets = makers((name) => name === OF_SUBNET)
    .difference(makers((name) => name!.startsWith("pkt")));
  return calls.map(({ call, name, maker }) => ({
    call,
    name: name ?? (maker !== null && ofSubnets.has(maker) ? OF_SUBNET : null),
  }));
}

/** The function that is called last before a call. */
function makerOf(code: DecodedCode, call: Instruction): number | null {
  const position = code.positions.get(call.address)!;
  for (let back = position - 1; back >= Math.max(0, position - REACH); back--) {
    if (isCall(code.instructions[back]!)) return branchTarget(code.instructions[back]!);
  }
  return null;
}
