import assert from "node:assert/strict";
import { LivePage } from "../../../export/page/live_page.ts";
import { RecentMessages } from "../../../export/page/recent_messages.ts";
import { History } from "../../../export/watching/history.ts";
import { HEADER, sampleAt } from "../../metrics/capture_records.ts";

Deno.test("LivePage serves each container once, closed, before and without charts", async () => {
  const drawingScript = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(drawingScript, `console.error("no room"); Deno.exit(3);`);
    const history = new History();
    history.next("dhcp4", HEADER, null);
    history.next("dhcp4", sampleAt(1, {}), null);
    await using page = new LivePage({
      ...{ history, drawingScript, messages: new RecentMessages(), watching: () => 1 },
    });
    for (const path of ["/", "/?server=dhcp4", "/?server=dhcp6"]) {
      const response = await page.routes.get("/")!(new Request(`http://localhost${path}`));
      const html = await response.text();
      for (const container of ["top", "left", "right"]) {
        assert.equal(html.split(`<div id="${container}">`).length, 2, `${path}: ${container}`);
      }
      assert.equal(html.match(/<div\b/g)?.length, html.match(/<\/div>/g)?.length, path);
    }
  } finally {
    await Deno.remove(drawingScript);
  }
});

Deno.test("LivePage shows a server that has ended while it was not watched as gone", async () => {
  const history = new History();
  history.next("dhcp4", HEADER, null);
  await using page = new LivePage({
    ...{ history, messages: new RecentMessages(), watching: () => 1 },
  });
  const state = async () => {
    const response = await page.routes.get("/api/v1/servers")!(new Request("http://localhost/"));
    return (await response.json()).servers[0].state;
  };
  history.gone("dhcp4", true);
  assert.equal(await state(), "unwatched");
  history.gone("dhcp4", false);
  assert.equal(await state(), "gone");
});
