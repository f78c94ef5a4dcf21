// Wires that break while somebody writes: nothing is sent twice, and nothing is lost without a word.

import { assert, journey, sleep, until, world } from "./harness/index.mjs";

const it = world();

const POST = "**/api/v10/channels/*/messages";

/** How often Discord has a message with this text. */
async function kept(words) {
  const all = await it.zack.messages(it.channels["team-room"]);
  return all.filter((one) => one.content === words).length;
}

/** It is there once, for Discord and on the page, and nothing says otherwise. */
async function once(page, words) {
  await until("Discord has it", async () => (await kept(words)) > 0);
  await until("the page shows it as sent", async () => (await page.raw.getByRole("article", { name: /^Your message/ }).count()) === 0);
  await page.sees(words);
  // What would come twice would come about now.
  await sleep(400);
  assert.equal(await kept(words), 1, "Discord has it once");
  assert.equal(await page.counts(words), 1, "the page shows it once");
}

const notSent = (page) => page.articles.filter({ hasText: "Not sent" });

/** What happens to the next request that sends a message. */
async function nextSend(page, handler) {
  await page.raw.route(POST, (route) => (route.request().method() === "POST" ? handler(route) : route.fallback()), { times: 1 });
}

journey(it, "survives a dropped gateway", async (page, device) => {
  await page.opens("team-room");
  await page.raw.evaluate(() => {
    window.bannerSeen = false;
    new MutationObserver(() => {
      if (document.body.textContent.includes("The connection to Discord is gone")) window.bannerSeen = true;
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await it.zack.faults({ drop_gateways: true });
  await page.says(`in the gap, ${device}`);
  await until("the banner was there", () => page.raw.evaluate(() => window.bannerSeen));
  await page.banner.waitFor({ state: "detached" });
  await once(page, `in the gap, ${device}`);
  await it.mallory.says(it.channels["team-room"], `heard again, ${device}`);
  await page.sees(`heard again, ${device}`);
});

journey(it, "hears what was said while it was away", async (page, device) => {
  await page.opens("team-room");
  await page.loses();
  await page.raw.screenshot({ path: it.picture("the connection is gone", device) });
  await it.mallory.says(it.channels["team-room"], `while you were away, ${device}`);
  await page.finds();
  await page.sees(`while you were away, ${device}`);
  assert.equal(await page.counts(`while you were away, ${device}`), 1);
}, { wires: true });

journey(it, "sends what was written while offline", async (page, device) => {
  await page.opens("team-room");
  await page.loses();
  await page.says(`from the tunnel, ${device}`);
  await page.raw.getByRole("article", { name: "Your message, on its way" }).waitFor();
  await page.finds();
  await once(page, `from the tunnel, ${device}`);
}, { wires: true });

journey(it, "says that it was not sent, and sends it at a press", async (page, device) => {
  await page.opens("team-room");
  await page.loses();
  await page.says(`from a long tunnel, ${device}`);
  await notSent(page).waitFor();
  await page.raw.screenshot({ path: it.picture("not sent", device) });
  await page.finds();
  await page.presses("Retry", { on: notSent(page) });
  await once(page, `from a long tunnel, ${device}`);
}, { wires: true });

journey(it, "the answer to a message is lost", async (page, device) => {
  await page.opens("team-room");
  await nextSend(page, async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  });
  await page.says(`into the dark, ${device}`);
  await once(page, `into the dark, ${device}`);
});

journey(it, "the answer and the gateway are lost together", async (page, device) => {
  await page.opens("team-room");
  await nextSend(page, async (route) => {
    await page.loses();
    await page.raw.context().setOffline(false);
    await route.fetch();
    await page.raw.context().setOffline(true);
    await route.abort("connectionreset");
  });
  await page.says(`into the deep dark, ${device}`);
  await until("Discord has it", async () => (await kept(`into the deep dark, ${device}`)) === 1);
  await page.finds();
  await once(page, `into the deep dark, ${device}`);
}, { wires: true });

journey(it, "the gateway drops in the middle of a send", async (page, device) => {
  await page.opens("team-room");
  await nextSend(page, async (route) => {
    await it.zack.faults({ drop_gateways: true });
    const answer = await route.fetch();
    await it.zack.faults({ drop_gateways: true });
    await route.fulfill({ response: answer });
  });
  await page.says(`in between, ${device}`);
  await once(page, `in between, ${device}`);
});

journey(it, "a reload in the middle loses no words", async (page, device) => {
  await page.opens("team-room");
  const held = new Promise((reached) => void nextSend(page, reached));
  await page.says(`half sent, ${device}`);
  await held;
  await page.raw.reload();
  await page.composerOrWords();
  await once(page, `half sent, ${device}`);
  assert.equal(await notSent(page).count(), 0, "it went by itself");
});

journey(it, "a reload after it has arrived sends it once", async (page, device) => {
  await page.opens("team-room");
  const arrived = new Promise((reached) => void nextSend(page, async (route) => reached(await route.fetch())));
  await page.says(`sent and left, ${device}`);
  await arrived;
  await page.raw.reload();
  await page.composerOrWords();
  await page.sees(`sent and left, ${device}`);
  await once(page, `sent and left, ${device}`);
  assert.equal(await notSent(page).count(), 0);
});

journey(it, "a reload keeps what was begun", async (page, device) => {
  await page.opens("team-room");
  await page.types(`begun on the ${device}`);
  await page.raw.reload();
  await page.composerOrWords();
  await until("the words are back", async () => (await page.composer.inputValue()) === `begun on the ${device}`);
});

journey(it, "what one has begun is not shown to the next", async (page) => {
  await page.opens("team-room");
  await page.types("zack's own words");
  await page.becomes("mallory");
  await page.opens("team-room");
  assert.equal(await page.composer.inputValue(), "");
  await page.becomes("zack");
  await page.opens("team-room");
  assert.equal(await page.composer.inputValue(), "zack's own words");
});

journey(it, "many messages at once arrive in order", async (page, device) => {
  await page.opens("team-room");
  const words = Array.from({ length: 8 }, (_, at) => `${device} number ${at + 1}.`);
  for (const one of words) await page.says(one);
  for (const one of words) await once(page, one);
  const all = await it.zack.messages(it.channels["team-room"]);
  const order = all.map((one) => one.content).filter((text) => words.includes(text)).reverse();
  assert.deepEqual(order, words);
});
