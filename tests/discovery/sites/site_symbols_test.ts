import assert from "node:assert/strict";
import { join } from "node:path";
import { binutils, parseSymbolRanges } from "../../../discovery/code/elf.ts";
import { parseBuildId } from "../../../discovery/mapped_files.ts";
import { writeSiteSymbols } from "../../../discovery/sites/site_symbols.ts";
import { LIBRARY, site } from "../../probes/server_and_sites.ts";

Deno.test("writeSiteSymbols() writes a file that holds the build id and a symbol a site", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const sites = [
      site("callouts.start", { file: LIBRARY, address: 0x1ae47 }),
      site("callouts.end.0", { file: LIBRARY, address: 0x1ae58 }),
    ];
    const names = await writeSiteSymbols(sites, folder);
    assert.deepEqual([...names.values()], ["kea_site_callouts_start", "kea_site_callouts_end_0"]);
    const file = join(folder, LIBRARY.pinnedPath);
    assert.equal(parseBuildId(await Deno.readFile(file)), LIBRARY.buildId);
    assert.deepEqual(parseSymbolRanges(await binutils("readelf", ["-sW", file])), [
      { address: 0x1ae47, size: 1, name: "kea_site_callouts_start" },
      { address: 0x1ae58, size: 1, name: "kea_site_callouts_end_0" },
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
