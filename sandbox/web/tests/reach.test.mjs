// Everybody gets everywhere: screen readers, keyboards, thumbs, small screens, calm eyes.

import { assert, journey, none, until, world } from "./harness/index.mjs";
import { tooSmall, violations } from "./harness/reach.mjs";

const it = world();

/** The places of the page, one after the other; `look` is called in each. */
async function everywhere(page, look) {
  await page.opens("team-room");
  await page.sees("Welcome");
  await it.zack.says(it.channels["team-room"], "||a spoiler with https://example.com|| and `code`\n```js\nlet a = 1;\n```\n> quoted\n- one\n<@1> <t:1:R>");
  await page.sees("quoted");
  await look("room");
  await page.opensMenu("Welcome");
  await look("menu");
  await page.escapes();
  await page.presses("Pinned messages");
  await page.dialog.waitFor();
  await look("pins");
  await page.escapes();
  await page.types("/");
  await page.raw.getByRole("option").first().waitFor();
  await look("commands");
  await page.types("");
  await page.begins("task show");
  await page.raw.getByRole("combobox").click();
  await page.raw.getByRole("option").first().waitFor();
  await look("command form");
  await page.presses("Do not use this command");
  await page.composer.waitFor();
  await page.opens("approvals");
  await page.raw.getByRole("button", { name: "Approve" }).last().waitFor();
  await look("approvals");
  await page.presses(/Reject with/);
  await page.dialog.waitFor();
  await look("form");
  await page.presses("Cancel");
  await page.dialog.waitFor({ state: "detached" });
  await page.opens("status");
  await page.articles.first().waitFor();
  await look("status");
  await page.opens("tasks");
  const posts = page.raw.getByRole("region", { name: /Posts in tasks/ });
  await posts.getByRole("link").first().waitFor();
  await look("forum");
  await posts.getByRole("link", { name: /Connect the payment/ }).click();
  await page.articles.first().waitFor();
  await look("thread");
  await page.presses(/^Back to tasks/);
  await page.showsChannels();
  await look("channels");
  await page.presses(/Look as someone else/);
  await page.dialog.getByRole("button", { name: /^mallory/ }).waitFor();
  await look("people");
  await page.escapes();
  await page.presses("Private chats");
  await page.raw.getByRole("heading", { name: "Write to" }).waitFor();
  await look("private chats");
  await page.presses("Console for trouble");
  await page.raw.getByRole("switch").first().waitFor();
  await look("console");
  await page.presses("Close the console");
}

for (const colorScheme of ["dark", "light"]) {
  journey(it, `axe finds nothing serious, ${colorScheme}`, async (page) => {
    const found = [];
    await everywhere(page, async (where) => found.push(...(await violations(page, where))));
    none(found);
  }, { context: { colorScheme } });
}

journey(it, "axe finds nothing serious where one signs in", async (page) => {
  await page.raw.route("**/api/v10/auth/login", (route) => route.fulfill({ status: 400, json: { code: 50035, message: "Invalid Form Body" } }));
  await page.raw.reload();
  await page.raw.getByRole("button", { name: "Sign in" }).waitFor();
  none(await violations(page, "sign-in"));
  if (page.phone) none(await tooSmall(page, "sign-in"));
  assert.equal(await page.tooWide(), 0);
  await page.raw.unroute("**/api/v10/auth/login");
  await page.presses("Sign in");
  await page.composer.waitFor();
});

journey(it, "a thumb meets everything", async (page) => {
  const found = [];
  await everywhere(page, async (where) => found.push(...(await tooSmall(page, where))));
  none(found);
}, { devices: ["phone"] });

for (const width of [390, 320]) {
  journey(it, `nothing is wider than ${width} pixels`, async (page) => {
    const found = [];
    await everywhere(page, async (where) => {
      const over = await page.tooWide();
      if (over > 0) found.push(`${where}: ${over}`);
    });
    none(found);
  }, { devices: ["phone"], context: { viewport: { width, height: 700 } } });
}

/** Presses Tab until the focus is where it should be. */
async function tabsTo(page, what, matches, key = "Tab") {
  for (let step = 0; step < 80; step += 1) {
    const now = await page.raw.evaluate(() => {
      const one = document.activeElement;
      return { role: one.getAttribute("role") ?? one.localName, name: one.getAttribute("aria-label") ?? one.textContent.slice(0, 80) };
    });
    if (matches(now)) return;
    await page.raw.keyboard.press(key);
  }
  assert.fail(`the keyboard does not get to ${what}`);
}

const focused = (page) => page.raw.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);

journey(it, "the keyboard gets everywhere and back", async (page) => {
  await page.opens("team-room");
  await page.sees("Welcome");
  await page.raw.evaluate(() => document.activeElement.blur());
  await tabsTo(page, "the servers", (now) => now.name === "Private chats");
  await tabsTo(page, "a channel", (now) => now.role === "a" && now.name.startsWith("approvals"));
  await page.raw.keyboard.press("Enter");
  await page.isIn("approvals");
  await page.composer.waitFor();
  await tabsTo(page, "the messages", (now) => now.role === "log", "Shift+Tab");
  await tabsTo(page, "a message's menu", (now) => now.name === "What to do with this message");
  await page.raw.keyboard.press("Enter");
  await page.dialog.waitFor();
  await page.raw.keyboard.press("Escape");
  await page.dialog.waitFor({ state: "detached" });
  assert.equal(await focused(page), "What to do with this message", "the focus comes back");
  await tabsTo(page, "a button of a message", (now) => now.name === "Reject with reason…");
  await page.raw.keyboard.press("Enter");
  await page.dialog.waitFor();
  await page.raw.keyboard.press("Escape");
  await page.dialog.waitFor({ state: "detached" });
  await until("the focus comes back", async () => /Reject with reason/.test(await focused(page)));
  await tabsTo(page, "the field", (now) => now.name === "Message #approvals");
  await page.raw.keyboard.type("/ask");
  await page.raw.getByRole("option").first().waitFor();
  await page.raw.keyboard.press("Enter");
  await page.raw.getByRole("form", { name: "Command ask" }).waitFor();
  await page.raw.keyboard.press("Escape");
  await page.raw.keyboard.press("Escape");
  await page.composer.waitFor();
  await until("the focus is in the field again", async () => (await focused(page)) === "Message #approvals");
}, { devices: ["desktop"] });

journey(it, "nothing moves for who wants it calm", async (page) => {
  const moving = async () =>
    page.raw.evaluate(() => document.getAnimations().filter((one) => one.playState === "running" && one.effect.getComputedTiming().endTime > 10).map((one) => one.effect.target?.outerHTML.slice(0, 100)));
  const found = [];
  await everywhere(page, async () => found.push(...(await moving())));
  none(found);
});
