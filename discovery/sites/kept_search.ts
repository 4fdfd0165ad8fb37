/**
 * Searches for sites in one file, whose results are kept as long as its bytes are the same.
 *
 * @module
 */

import { factOf } from "../file_facts.ts";
import type { MappedFile } from "../types.ts";
import { identityOf } from "./site.ts";
import type { SiteSearch } from "./types.ts";

/**
 * What a search finds in a file, from the cache or found now.
 *
 * @param name of the search, with all that its result depends on besides the file.
 * @param search finds sites in a copy of the file.
 */
export async function keptSearch(
  name: string,
  file: MappedFile,
  search: (copy: MappedFile) => Promise<SiteSearch>,
): Promise<SiteSearch> {
  const { sites, refusals } = await factOf(name, file, async (copy) => {
    const found = await search(copy);
    return { ...found, sites: found.sites.map(({ file: _, ...site }) => site) };
  });
  // The file is another one each time, with the same bytes.
  return {
    sites: sites.map((site) => ({ ...site, file, proof: { ...site.proof, ...identityOf(file) } })),
    refusals,
  };
}
