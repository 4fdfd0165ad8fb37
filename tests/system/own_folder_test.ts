import assert from "node:assert/strict";
import { join } from "node:path";
import { ownFolder } from "../../system/own_folder.ts";
import { inFolder } from "./in_folder.ts";

Deno.test({
  name: "ownFolder() leaves the home of another user, as sudo -E gives it, for the host's folders",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder((home) => {
      const variables = new Map([["XDG_CACHE_HOME", home]]);
      assert.equal(ownFolder("cache", variables), join(home, "kea-ebpf-monitoring"));
      Deno.chownSync(home, 65534, 65534);
      assert.equal(ownFolder("cache", variables), "/var/cache/kea-ebpf-monitoring");
    }),
});
