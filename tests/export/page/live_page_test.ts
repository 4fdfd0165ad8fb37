import assert from "node:assert/strict";
import { LivePage } from "../../../export/page/live_page.ts";
import { RecentMessages } from "../../../export/page/recent_messages.ts";
import { History } from "../../../export/history/history.ts";
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

Deno.test("viewers who never read, and a document that is asked for again and again, cost little memory", async () => {
  const history = new History();
  history.next("dhcp4", HEADER, null);
  await using page = new LivePage({
    ...{ history, messages: new RecentMessages(), watching: () => 1 },
  });
  const get = async (path: string) => {
    const url = new URL(path, "http://localhost");
    return await page.routes.get(url.pathname)!(new Request(url));
  };
  const memory = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = memory();
  const viewers = [];
  for (let at = 0; at < 16; at++) viewers.push(await get("/live"));
  assert.equal((await get("/live")).status, 503);
  const documents = [];
  for (let at = 0; at < 100; at++) {
    history.next("dhcp4", sampleAt(at + 1, {}), null);
    documents.push(await get("/api/v1/document?server=dhcp4"));
  }
  assert.deepEqual(new Set(documents.map(({ status }) => status)), new Set([200]));
  // The page collects changes.
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.ok(memory() - before < 2 ** 24, `${(memory() - before) / 2 ** 20} MiB`);
  const others = [];
  for (let at = 1; at <= 10; at++) others.push(await get(`/api/v1/document?minutes=${at}`));
  assert.equal(others.filter(({ status }) => status === 200).length, 4);
  assert.match(await (await get("/")).text(), /dhcp4/);
  const texts = await Promise.all(documents.map((each) => each.text()));
  assert.equal(new Set(texts).size, 1);
  for (const { body } of [...viewers, ...others]) await body!.cancel();
});
