/**
 * Makes sites with their proof.
 *
 * @module
 */

import {
  type CallSite,
  type DecodedCode,
  proveStart,
  type RefusedCall,
} from "../code/call_sites.ts";
import { type Instruction, instructionClass } from "../code/disassembly.ts";
import type { Bounds } from "../code/elf.ts";
import type { MappedFile } from "../types.ts";
import type { Refusal, Site, SiteProof, SiteSearch } from "./types.ts";

/** A proof without the instruction, which `siteOf()` adds. */
type FunctionProof = Omit<SiteProof, "bytes" | "instruction">;

/** The proof of a site in a function of a file. */
export function proofOf(
  file: MappedFile,
  { start, end }: Bounds,
  from: "eh_frame" | "symbol",
  target: string | null,
): FunctionProof {
  return { ...identityOf(file), function: { start, end, from }, target };
}

/** Which file it is. */
export function identityOf(
  { buildId, device, inode }: MappedFile,
): Pick<SiteProof, "buildId" | "device" | "inode"> {
  return { buildId, device, inode };
}

/** The site at an instruction. */
export function siteOf(
  id: string,
  file: MappedFile,
  instruction: Instruction,
  proof: FunctionProof,
  hitsPerPacket: number,
): Site {
  const { address, bytes, text } = instruction;
  return {
    id,
    file,
    address,
    symbol: null,
    entrySymbol: null,
    class: instructionClass(instruction),
    // In a stripped file, objdump names a place after any preceding symbol.
    proof: { ...proof, bytes, instruction: text.replace(/\s*<[^>]*\+0x[0-9a-f]+>/, "").trim() },
    hitsPerPacket,
  };
}

/** The site at a call of a function. */
export function siteAtCall(
  id: string,
  file: MappedFile,
  code: DecodedCode,
  call: Instruction,
  target: string,
  hitsPerPacket: number,
): readonly Site[] | Refusal {
  const found = proveStart(code, call.address, target);
  if ("why" in found) return { id, why: found.why };
  return [siteOf(id, file, call, proofOf(file, found.function, "eh_frame", target), hitsPerPacket)];
}

/** The sites at a call and at its end. */
export function sitesAroundCall(
  idOf: (edge: "start" | "end") => string,
  file: MappedFile,
  found: CallSite | RefusedCall,
  hitsPerPacket: number,
): readonly Site[] | Refusal {
  if ("why" in found) return { id: idOf("end"), why: found.why };
  const proof = proofOf(file, found.function, "eh_frame", found.target);
  return [
    siteOf(idOf("start"), file, found.call, proof, hitsPerPacket),
    siteOf(idOf("end"), file, found.end, proof, hitsPerPacket),
  ];
}

/** Separates sites and refusals. */
export function gather(found: readonly (readonly Site[] | Refusal)[]): SiteSearch {
  const refusals: Refusal[] = [];
  const sites: Site[] = [];
  for (const item of found) {
    if ("why" in item) refusals.push(item);
    else sites.push(...item);
  }
  return { sites, refusals };
}

/** A search that found nothing, and why. */
export function refused(id: string, why: string): SiteSearch {
  return { sites: [], refusals: [{ id, why }] };
}
