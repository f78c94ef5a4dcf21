// Deciding what agents may do, with the buttons, the form, and as somebody who may not.

import { assert, journey, until, world } from "./harness/index.mjs";

const it = world();

/** Has Ricky propose a task, and looks at its card in #approvals. */
async function proposed(page, title) {
  await page.opens("dm-ricky");
  await page.says(`propose create_task ${title}`);
  await page.sees(`propose create_task ${title}`);
  await page.opens("approvals");
  return page.sees(title);
}

/** The card is shown anew: looked for by its title, its buttons are gone. */
async function decided(page, title, words) {
  await page.articles.filter({ hasText: title }).filter({ hasText: words }).last().waitFor();
  await until("nothing is left to press", async () => (await page.message(title).getByRole("button", { name: "Approve", exact: true }).count()) === 0);
}

journey(it, "approves a proposal", async (page, device) => {
  const title = `Water the ${device} plants`;
  await proposed(page, title);
  await page.presses("Approve", { on: title });
  await decided(page, title, /approved/i);
  await page.opens("tasks");
  await page.raw.getByRole("link", { name: new RegExp(title) }).waitFor();
});

journey(it, "sees a proposal that waits", async (page, device) => {
  const card = await proposed(page, `Look at me on a ${device}`);
  for (const name of [/Approve/, /Reject/]) await card.getByRole("button", { name }).first().waitFor();
  await card.scrollIntoViewIfNeeded();
});

journey(it, "rejects a proposal with a reason", async (page, device) => {
  const title = `Sell the ${device} desks`;
  await proposed(page, title);
  await page.presses(/Reject/, { on: title });
  await page.dialog.waitFor();
  const field = page.dialog.getByRole("textbox").first();
  await field.fill(`We need the ${device} desks.`);
  await page.raw.screenshot({ path: it.picture("the form for a reason", device) });
  await page.presses("Submit");
  await page.dialog.waitFor({ state: "detached" });
  await decided(page, title, `We need the ${device} desks.`);
});

journey(it, "closes the form and nothing was decided", async (page, device) => {
  const title = `Keep the ${device} lamp`;
  await proposed(page, title);
  await page.presses(/Reject/, { on: title });
  await page.dialog.waitFor();
  await page.presses("Cancel");
  await page.dialog.waitFor({ state: "detached" });
  await page.message(title).getByRole("button", { name: "Approve" }).waitFor();
});

journey(it, "mallory may not approve", async (page, device) => {
  const title = `Give the ${device} away`;
  await proposed(page, title);
  await page.becomes("mallory");
  await page.opens("approvals");
  await page.presses("Approve", { on: title });
  const refusal = page.articles.filter({ hasText: "Only you can see this" }).last();
  await refusal.waitFor();
  assert.match(await refusal.innerText(), /not|only|operator/i);
  await page.raw.screenshot({ path: it.picture("mallory is refused", device) });
  await page.presses("Dismiss message", { on: refusal });
  await until("the refusal is gone", async () => (await page.counts("Only you can see this")) === 0);
  await page.becomes("zack");
  await page.opens("approvals");
  await page.message(title).getByRole("button", { name: "Approve" }).waitFor();
});
