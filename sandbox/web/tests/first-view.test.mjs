// The first look: how much comes over the wire, and how soon one reads.

import { test } from "node:test";
import { assert, world } from "./harness/index.mjs";

const it = world();

const BYTES = 200_000;
const READING_MS = 1_000;
const TRIES = 5;

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];

for (const device of ["phone", "desktop"]) {
  test(`the first view is light and quick (${device})`, async () => {
    const seen = [];
    for (let round = 0; round < TRIES; round += 1) {
      const page = await it.opens(device, { served: true });
      const wire = await page.raw.context().newCDPSession(page.raw);
      let bytes = 0;
      await wire.send("Network.enable");
      wire.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
      wire.on("Network.webSocketFrameReceived", (event) => (bytes += event.response.payloadData.length));
      const began = performance.now();
      await page.raw.goto(new URL(`/channels/${it.run.discord.guild_id}/${it.channels["team-room"]}`, it.origin).href);
      const loaded = performance.now() - began;
      await page.sees("Welcome");
      seen.push({ bytes, loaded, read: performance.now() - began });
      await page.raw.context().close();
    }
    const [bytes, loaded, read] = ["bytes", "loaded", "read"].map((what) => Math.round(median(seen.map((one) => one[what]))));
    console.log(`    ${device}: ${(bytes / 1000).toFixed(1)} kB, loaded after ${loaded} ms, first message after ${read} ms (median of ${TRIES})`);
    assert.ok(bytes < BYTES, `${bytes} bytes`);
    assert.ok(read < READING_MS, `the first message was there after ${read} ms`);
  });
}
