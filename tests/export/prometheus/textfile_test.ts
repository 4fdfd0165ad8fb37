import assert from "node:assert/strict";
import { join } from "node:path";
import { Accumulator } from "../../../export/prometheus/accumulator.ts";
import { Textfile } from "../../../export/prometheus/textfile.ts";
import { documentOf } from "../../../metrics/document_builder.ts";
import { recordsOf } from "../../metrics/fixtures/captures.ts";

Deno.test("Textfile is written at each reading, says once what prevents it, and is removed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kea-textfile-test-" });
  try {
    const inner = join(folder, "inner");
    const path = join(inner, "kea.prom");
    const records = await recordsOf("v4");
    const sample = records.find(({ type }) => type === "sample")!;
    const accumulator = new Accumulator();
    accumulator.add("dhcp4", { series: (await documentOf(records)).totals });
    const said: string[] = [];
    const reading = () => new Promise((resolve) => setTimeout(resolve, 20));
    {
      await using textfile = new Textfile({ path, accumulator, say: (line) => said.push(line) });
      await reading();
      textfile.next("dhcp4", sample);
      while (said.length < 1) await reading();
      assert.match(said[0]!, /^Cannot write "[^"]+" \(No such file or directory\): /);
      await Deno.mkdir(inner);
      textfile.next("dhcp4", sample);
      while (said.length < 2) await reading();
      assert.match(said[1]!, /^Writing .+ again$/);
      assert.match(await Deno.readTextFile(path), /^kea_ebpf_packets_received_total\{/m);
    }
    assert.deepEqual([...Deno.readDirSync(inner)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
