import { LivePage } from "../../export/page/live_page.ts";
import { RecentMessages } from "../../export/page/recent_messages.ts";
import { History } from "../../export/history/history.ts";
import { documentOf } from "../../metrics/document_builder.ts";
import { keepsNothing } from "../keeps_nothing.ts";
import { HEADER, sampleAt } from "../metrics/capture_records.ts";
import { recordsOf } from "../metrics/fixtures/captures.ts";

/** The length of a window that is kept: an hour has 240, fewer than there are rounds before the first measurement. */
const SPAN_MS = 15_000;

Deno.test("LivePage keeps nothing of earlier hours and viewers", async () => {
  const { windows } = await documentOf(await recordsOf("v4"));
  const realNow = Date.now;
  let now = realNow();
  Date.now = () => now;
  try {
    const history = new History();
    history.next("dhcp4", HEADER, null);
    await using page = new LivePage({
      ...{ history, messages: new RecentMessages(), watching: () => 1 },
    });
    const live = page.routes.get("/live")!;
    await keepsNothing(async (round) => {
      const start = new Date(now).toISOString();
      const end = new Date(now += SPAN_MS).toISOString();
      const { series } = windows[round % windows.length]!;
      history.next("dhcp4", sampleAt(round, {}), { start, end, series });
      const response = await live(new Request("http://localhost/live?server=dhcp4"));
      const reader = response.body!.getReader();
      // The first events: that the exporter is there, and all parts of the page.
      await reader.read();
      await reader.read();
      await reader.cancel();
    });
  } finally {
    Date.now = realNow;
  }
});
