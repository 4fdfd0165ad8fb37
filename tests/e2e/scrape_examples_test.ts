/** promtool accepts the examples of scrape configurations. Needs apt, and Debian sid in the cache. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../system/run.ts";
import { ensurePrometheus } from "../../tools/lab/prometheus.ts";
import { ROOT } from "./run_script.ts";

const FOLDER = join(ROOT, "export/scrape");

/** Examples with settings that Prometheus 2.42 does not know. */
const NEWER = new Set(["custom-buckets.yml"]);

for (const release of ["host", "sid"] as const) {
  Deno.test(`promtool of ${release} accepts the scrape examples that are for it`, async () => {
    const { promtool } = await ensurePrometheus(release);
    const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
    assert.equal(files.length, 5);
    for (const file of files) {
      const { code, stdout, stderr } = await run(
        // Its files of certificates and passwords are not here.
        [promtool, "check", "config", "--syntax-only", join(FOLDER, file)],
      );
      const isAccepted = release === "sid" || !NEWER.has(file);
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert.equal(code === 0, isAccepted, `${file}: ${text}`);
    }
  });
}
