// Slash commands with their options and choices, and commands in the menu of a message.

import { assert, journey, sleep, until, world } from "./harness/index.mjs";

const it = world();

/** The last answer that only this person sees. */
const private_ = (page) => page.articles.filter({ hasText: "Only you can see this" }).last();

journey(it, "looks at a task with a command", async (page) => {
  await page.opens("team-room");
  await page.begins("task show");
  const field = page.raw.getByRole("combobox", { name: /^task/ });
  await field.click();
  const choice = page.raw.getByRole("listbox", { name: "Choices" }).getByRole("option").first();
  await choice.waitFor();
  const title = await choice.innerText();
  await page.raw.screenshot({ path: it.picture("choices of a command", page.device) });
  await choice.click();
  assert.equal(await field.inputValue(), title);
  await page.presses("Send command");
  await private_(page).waitFor();
  await page.raw.getByRole("form", { name: "Command task show" }).waitFor({ state: "detached" });
});

journey(it, "chooses with the keyboard", async (page) => {
  await page.opens("team-room");
  await page.begins("task show");
  const field = page.raw.getByRole("combobox", { name: /^task/ });
  await field.press("ArrowDown").catch(() => {});
  await page.raw.getByRole("option").first().waitFor();
  await field.press("ArrowDown");
  await until("an option is marked", async () => (await field.getAttribute("aria-activedescendant")) !== null);
  await field.press("Enter");
  await until("it is chosen", async () => (await field.inputValue()) !== "");
  await field.press("Enter");
  await private_(page).waitFor();
}, { devices: ["desktop"] });

journey(it, "asks an agent with a command", async (page, device) => {
  const words = `What is new on the ${device}?`;
  await page.opens("team-room");
  await page.begins("ask");
  const agent = page.raw.getByRole("combobox", { name: /^agent/ });
  await agent.click();
  await page.raw.getByRole("option").first().click();
  await page.raw.getByRole("textbox", { name: /^(message|question|text|prompt)/ }).fill(words);
  await page.presses("Send command");
  const answer = private_(page);
  await answer.waitFor();
  await answer.getByRole("link", { name: /^#dm-/ }).click();
  await page.raw.getByRole("article", { name: /^(Trunks|Ricky)/ }).filter({ hasText: words }).last().waitFor();
});

journey(it, "a needed option is asked for", async (page) => {
  await page.opens("team-room");
  await page.begins("task show");
  await page.presses("Send command");
  await page.raw.getByRole("alert").filter({ hasText: "is needed" }).waitFor();
  await page.presses("Do not use this command");
  await page.composer.waitFor();
});

journey(it, "makes a task of a message", async (page, device) => {
  await page.opens("team-room");
  const words = `Somebody should count the ${device} chairs`;
  await page.says(words);
  await page.sees(words);
  await until("it is there", async () => (await it.zack.messages(it.channels["team-room"])).some((one) => one.content === words));
  await page.opensMenu(words);
  await page.dialog.getByRole("heading", { name: "Apps" }).waitFor();
  await page.raw.screenshot({ path: it.picture("menu of a message", page.device) });
  await page.chooses("Promote to task");
  const form = page.raw.getByRole("dialog", { name: /task/i });
  await until("it is asked or done", async () => (await form.count()) > 0 || (await private_(page).count()) > 0);
  if (await form.count()) await page.presses("Submit");
  await page.opens("tasks");
  await page.raw.getByRole("link", { name: new RegExp(words) }).waitFor();
});

journey(it, "two clicks on Send command are one command", async (page, device) => {
  await page.opens("team-room");
  await page.begins("task new");
  const name = `clicked twice, ${device}`;
  await page.raw.getByRole("textbox", { name: /^name/ }).fill(name);
  await page.raw.getByRole("button", { name: "Send command" }).dblclick();
  await page.sees(name);
  await sleep(1500);
  const forum = it.channels.tasks;
  const { threads } = await it.zack.call("GET", `/guilds/${it.run.discord.guild_id}/threads/active`);
  assert.equal(threads.filter((one) => one.parent_id === forum && one.name === name).length, 1);
});

journey(it, "a command without options is sent with the keyboard", async (page) => {
  await page.opens("team-room");
  await page.begins("status");
  await page.raw.keyboard.press("Enter");
  await page.raw.getByText("Only you can see this").first().waitFor();
}, { devices: ["desktop"] });
