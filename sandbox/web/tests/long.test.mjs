// A channel with a thousand messages: the page holds a window of them, and what one looks at stays.

import { assert, journey, sleep, until, world } from "./harness/index.mjs";

const it = world();

const COUNT = 1000;

/** Messages that the page may hold. */
const WINDOW = 150;

/** How far what one looks at may move when others come above it, in pixels. */
const DRIFT = 2;

/** Milliseconds that the page may be busy at once while one scrolls. Two cores, shared with Discord and a database. */
const BUSY_MS = 500;

/** A channel in which much was said. */
async function long() {
  if (it.long) return it.long;
  const all = await it.bot.call("GET", `/guilds/${it.run.discord.guild_id}/channels`);
  const id = all.find((one) => one.name === "general").id;
  for (let at = 1; at <= COUNT; at += 1) {
    const lines = at % 7 === 0 ? "\n- one\n- two\n- three" : at % 5 === 0 ? ` **bold** and \`code\` ${"and more words ".repeat(12)}` : "";
    await it[at % 3 ? "zack" : "mallory"].says(id, `message ${at}.${lines}`);
  }
  it.long = id;
  return id;
}

/** The first message that is in view, and where. */
const inView = (page) =>
  page.log.evaluate((log) => {
    const edge = log.getBoundingClientRect().top;
    const article = [...log.querySelectorAll("article")].find((one) => one.getBoundingClientRect().top >= edge);
    return { words: /message \d+\./.exec(article.textContent)[0], top: article.getBoundingClientRect().top };
  });

/** Where a message is now. */
const topOf = (page, words) => page.articles.filter({ hasText: words }).first().evaluate((one) => one.getBoundingClientRect().top);

const scrolls = (page, by) => page.log.evaluate((log, by) => (log.scrollTop += by), by);

/**
 * Scrolls a step; notes what was held, and how far what was in view moved when others came above or below it. A message
 * loses its name above when an earlier one of its author comes: what one reads is at its end.
 */
async function steps(page, by, seen) {
  const { held, drift } = await page.log.evaluate(async (log, by) => {
    log.scrollTop += by;
    const edge = log.getBoundingClientRect().top;
    const article = [...log.querySelectorAll("article")].find((one) => one.getBoundingClientRect().top >= edge);
    const { id } = article.dataset;
    const { bottom } = article.getBoundingClientRect();
    await new Promise((done) => setTimeout(done, 40));
    const now = log.querySelector(`article[data-id="${id}"]`);
    return { held: log.querySelectorAll("article").length, drift: now ? Math.abs(now.getBoundingClientRect().bottom - bottom) : 0 };
  }, by);
  seen.most = Math.max(seen.most, held);
  seen.drift = Math.max(seen.drift, drift);
}

const watchesWork = (page) =>
  page.raw.evaluate(() => {
    window.busy = [];
    new PerformanceObserver((list) => window.busy.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
  });

journey(it, "scrolls through a thousand messages and back", async (page) => {
  await page.opens("general");
  await page.sees(`message ${COUNT}.`);
  await watchesWork(page);
  const seen = { most: 0, drift: 0 };
  const first = page.articles.filter({ hasText: /message 1\./ });
  for (let step = 0; step < 300 && !(await first.count()); step += 1) await steps(page, -1000, seen);
  await first.waitFor();
  // Down again for a while, by hand.
  for (let step = 0; step < 40; step += 1) await steps(page, 1000, seen);
  assert.ok(seen.most <= WINDOW, `${seen.most} messages were held`);
  assert.ok(seen.drift <= DRIFT, `what was in view moved by ${seen.drift} pixels`);

  await page.presses("Jump to present");
  await page.sees(`message ${COUNT}.`);
  await until("the end is in view", () => page.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 5));
  const busy = await page.raw.evaluate(() => Math.max(0, ...window.busy));
  assert.ok(busy < BUSY_MS, `the page was busy for ${Math.round(busy)} ms at once`);
  console.log(`    at most ${seen.most} messages, moved by ${seen.drift.toFixed(1)} px, busy for ${Math.round(busy)} ms at most`);
}, { before: long });

async function middle() {
  const id = await long();
  for (let before; !it.middle; ) {
    const page = await it.zack.messages(id, `limit=100${before ? `&before=${before}` : ""}`);
    it.middle = page.find((one) => one.content.startsWith("message 500."))?.id;
    before = page.at(-1).id;
  }
}

const toMiddle = () => `/channels/${it.run.discord.guild_id}/${it.long}/${it.middle}`;

journey(it, "reads old messages while new ones come", async (page, device) => {
  await page.opens("general");
  await page.sees(`message ${COUNT}.`);
  await scrolls(page, -1500);
  await sleep(300);
  const before = await inView(page);
  for (let at = 0; at < 5; at += 1) await it.mallory.says(it.long, `late ${at}, ${device}`);
  await until("they have come", async () => (await page.counts(`late 4, ${device}`)) === 1);
  assert.ok(Math.abs((await topOf(page, before.words)) - before.top) <= DRIFT);
  await page.presses("Jump to present");
  const last = await page.sees(`late 4, ${device}`);
  await until("it is in view", () => last.evaluate((one) => one.getBoundingClientRect().bottom <= innerHeight));
}, { before: long });

journey(it, "looks at the channels and comes back to the same place", async (page) => {
  await page.opens("general");
  await page.sees(`message ${COUNT}.`);
  await scrolls(page, -1500);
  await sleep(300);
  const before = await inView(page);
  const held = await page.articles.count();
  await page.showsChannels();
  await sleep(300);
  await page.raw.getByRole("navigation", { name: "Channels" }).getByRole("link", { name: "general" }).click();
  await until("the same message is in view", async () => Math.abs((await topOf(page, before.words)) - before.top) <= DRIFT);
  assert.ok((await page.articles.count()) <= held, "nothing was loaded for nobody");
}, { before: long, devices: ["phone"] });

journey(it, "what is written while the newest messages are asked for is seen", async (page, device) => {
  await page.sees("message 500.");
  const words = `in between, ${device}`;
  await page.raw.route(/\/messages\?limit=\d+$/, async (route) => {
    // The answer is older than what the gateway tells meanwhile.
    const answer = await route.fetch();
    await it.mallory.says(it.long, words);
    await sleep(500);
    await route.fulfill({ response: answer });
  });
  await page.presses("Jump to present");
  await page.sees(words);
}, { before: middle, path: toMiddle });

journey(it, "an address leads to an old message and back to the present", async (page, device) => {
  await page.sees("message 500.");
  const box = await page.message("message 500.").boundingBox();
  assert.ok(box.y > 0 && box.y < 844, "it is in view");
  await page.says(`from the past, ${device}`);
  await page.sees(`from the past, ${device}`);
}, { before: middle, path: toMiddle });
