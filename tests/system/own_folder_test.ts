import assert from "node:assert/strict";
import { join } from "node:path";
import { ownFolder } from "../../system/own_folder.ts";
import { inFolder } from "./in_folder.ts";

Deno.test({
  name: "ownFolder() leaves the home of another user, as sudo -E gives it, for the host's folders",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder((home) => {
      const before = Deno.env.get("XDG_CACHE_HOME");
      try {
        Deno.env.set("XDG_CACHE_HOME", home);
        assert.equal(ownFolder("cache"), join(home, "kea-ebpf-monitoring"));
        Deno.chownSync(home, 65534, 65534);
        assert.equal(ownFolder("cache"), "/var/cache/kea-ebpf-monitoring");
      } finally {
        if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
        else Deno.env.set("XDG_CACHE_HOME", before);
      }
    }),
});
