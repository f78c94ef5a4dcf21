// What breaks on the other side: an agent that fails, an executor that is away, bad weather.

import { assert, journey, until, world } from "./harness/index.mjs";

const it = world();

journey(it, "retries a failed delivery", async (page, device) => {
  await page.opens("dm-ricky");
  await page.says(`please fail on the ${device}`);
  const failed = page.articles.filter({ hasText: "did not answer this" }).filter({ has: page.raw.getByRole("button", { name: "Retry" }) });
  await failed.last().waitFor();
  await page.presses("Retry", { on: failed.last() });
  await page.sees("It is on its way again.");
});

const console_ = (page) => page.raw.getByRole("complementary", { name: "Console for trouble" });

async function opensConsole(page) {
  await page.showsChannels();
  await page.presses("Console for trouble");
  await console_(page).waitFor();
}

/** A switch of the console is pressed, and stands as it should. */
async function switches(page, name, on) {
  const found = console_(page).getByRole("switch", { name });
  await found.click();
  await until(`${name} is ${on ? "on" : "off"}`, async () => (await found.getAttribute("aria-checked")) === String(on));
}

journey(it, "stops the executor and starts it again", async (page, device) => {
  await page.opens("team-room");
  await opensConsole(page);
  const card = console_(page).getByRole("article");
  await card.filter({ hasText: "Live" }).waitFor();
  await switches(page, /^Executor/i, false);
  await card.filter({ hasText: "Backup" }).waitFor({ timeout: 40_000 });
  await page.raw.screenshot({ path: it.picture("backup", device) });
  await switches(page, /^Executor/i, true);
  await card.filter({ hasText: "Live" }).waitFor({ timeout: 40_000 });
  await page.presses("Close the console");
  await console_(page).waitFor({ state: "detached" });
});

journey(it, "makes bad weather and ends it", async (page, device) => {
  await page.opens("team-room");
  await opensConsole(page);
  await switches(page, /^Slow Discord/, true);
  await switches(page, /^Errors/, true);
  await console_(page).getByText(/for another \d+ s/).waitFor();
  assert.equal(await console_(page).getByRole("switch", { name: /^Slow Discord/ }).getAttribute("aria-checked"), "false");
  await switches(page, /^Errors/, false);
  await console_(page).getByRole("button", { name: /^Drop the gateway/ }).click();
  await page.presses("Close the console");
  await page.says(`after the storm, ${device}`);
  await page.sees(`after the storm, ${device}`);
  await until("it was sent", async () => (await page.raw.getByRole("article", { name: /^Your message/ }).count()) === 0);
});
