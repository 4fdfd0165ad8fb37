import assert from "node:assert/strict";
import { asksForArrivals, receiveCall } from "../../../discovery/sites/receive_call.ts";

Deno.test("asksForArrivals() reads versions, those of builds from git too", () => {
  const versions = { "2.2.0": false, "2.5.5": false, "2.5.6": true, "3.3.1-git": true };
  for (const [version, asks] of Object.entries(versions)) {
    assert.equal(asksForArrivals(version), asks, version);
  }
  assert.equal(asksForArrivals("unknown"), null);
});

Deno.test("receiveCall() goes by the version where Kea's libraries are linked in, and guesses nothing", async () => {
  assert.equal(await receiveCall({ libraries: [], version: "2.2.0" }), "read");
  assert.equal(await receiveCall({ libraries: [], version: "3.3.1-git" }), "recvmsg");
  await assert.rejects(
    receiveCall({ libraries: [], version: "unknown" }),
    /Cannot find how the server receives, and its version is not known: it maps no libkea-dhcp/,
  );
});
