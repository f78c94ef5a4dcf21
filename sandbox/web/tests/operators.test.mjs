// Choosing who decides, from Discord's own lists of people and roles.

import { assert, journey, none, until, world } from "./harness/index.mjs";
import { Discord } from "./harness/discord.mjs";
import { tooSmall, violations } from "./harness/reach.mjs";

const it = world();

const idOf = (name) => it.run.discord.users.find((one) => one.name === name).id;

/** Asks the sandbox for somebody or something. */
async function makes(what, body) {
  const answer = await fetch(`${it.bot.control}/${what}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${what}: ${answer.status}`);
  return answer.status === 204 ? undefined : answer.json();
}

/** Mallory has a role of this name from now on. */
const hasRole = async (name) => (await makes("users", { user_id: idOf("mallory"), role: { name, permissions: "0" } })).role_id;

/** The last card of `/setup`. */
const card = (page) => page.articles.filter({ hasText: "Setup" }).filter({ hasText: "Only you can see this" }).last();

async function setsUp(page) {
  await page.opens("team-room");
  await page.begins("setup");
  await page.presses("Send command");
  await card(page).waitFor();
}

/** The button of a list on the card. */
const list = (page, name) => card(page).getByRole("button", { name: new RegExp(`^${name}`) });

/** Opens a list, ticks or unticks one in it, and is done. */
async function chooses(page, name, who, ticked) {
  await list(page, name).click();
  await page.dialog.getByRole("heading", { name }).waitFor();
  const entry = page.dialog.getByRole("checkbox", { name: who });
  assert.equal(await entry.isChecked(), !ticked, "it stands as it was chosen");
  await entry.setChecked(ticked);
  none([...(await violations(page, name)), ...(await tooSmall(page, name))]);
  assert.equal(await page.tooWide(), 0, name);
  await page.raw.screenshot({ path: it.picture(name, page.device) });
  await page.presses("Done");
  await page.dialog.waitFor({ state: "detached" });
}

/** Has Ricky propose a task. */
async function proposed(page, title) {
  await page.opens("dm-ricky");
  await page.says(`propose create_task ${title}`);
  await page.sees(`propose create_task ${title}`);
}

/** Mallory presses Approve; whether that counts. */
async function malloryApproves(page, title, counts) {
  await proposed(page, title);
  await page.becomes("mallory");
  await page.opens("approvals");
  await page.presses("Approve", { on: await page.sees(title) });
  if (counts) {
    await page.articles.filter({ hasText: title }).filter({ hasText: /approved/i }).last().waitFor();
  } else {
    await page.articles.filter({ hasText: "Only you can see this" }).filter({ hasText: /Only operators/ }).last().waitFor();
  }
  await page.becomes("zack");
}

const OF_PEOPLE = "Operators: people";
const OF_ROLES = "Operators: roles";

journey(it, "chooses a person who decides, and takes them out again", async (page) => {
  await setsUp(page);
  none([...(await violations(page, "the card")), ...(await tooSmall(page, "the card"))]);
  assert.equal(await page.tooWide(), 0, "the card");
  await chooses(page, OF_PEOPLE, /^mallory/, true);
  await card(page).getByText(/may decide from now on/).waitFor();
  await list(page, `${OF_PEOPLE} \\(mallory\\)`).waitFor();
  assert.match(await card(page).innerText(), /Chosen here: @mallory/);
  await page.raw.screenshot({ path: it.picture("an operator is chosen", page.device) });
  await malloryApproves(page, "Paint the fence", true);

  await setsUp(page);
  await chooses(page, OF_PEOPLE, /^mallory/, false);
  await card(page).getByText(/may not decide any more/).waitFor();
  await until("nobody is chosen", async () => (await card(page).innerText()).includes("Nobody is chosen here yet"));
  await malloryApproves(page, "Sell the house", false);
}, { devices: ["phone"] });

journey(it, "chooses a role whose people decide, and takes it out again", async (page) => {
  await hasRole("Deciders");
  await setsUp(page);
  await chooses(page, OF_ROLES, "@Deciders", true);
  await card(page).getByText(/may decide from now on/).waitFor();
  await list(page, `${OF_ROLES} \\(@Deciders\\)`).waitFor();
  assert.match(await card(page).innerText(), /Chosen here: @Deciders/);
  await malloryApproves(page, "Paint the shed", true);

  await setsUp(page);
  await chooses(page, OF_ROLES, "@Deciders", false);
  await card(page).getByText(/may not decide any more/).waitFor();
  await malloryApproves(page, "Sell the shed", false);
}, { devices: ["phone"] });

journey(it, "who has left the server can be taken out", async (page) => {
  const server = `guilds/${it.run.discord.guild_id}/members`;
  await setsUp(page);
  await chooses(page, OF_PEOPLE, /^mallory/, true);
  await card(page).getByText(/may decide from now on/).waitFor();
  await it.zack.call("DELETE", `/${server}/${idOf("mallory")}`);
  await list(page, `${OF_PEOPLE} \\(somebody\\)`).waitFor();
  await chooses(page, OF_PEOPLE, `Not here any more: ${idOf("mallory")}`, false);
  await card(page).getByText(/may not decide any more/).waitFor();
  await makes(server, { user_id: idOf("mallory") });
  await list(page, OF_PEOPLE).click();
  assert.equal(await page.dialog.getByRole("checkbox", { name: /^mallory/ }).isChecked(), false);
}, { devices: ["phone"] });

journey(it, "a bot and everybody are refused in words, and Back changes nothing", async (page) => {
  await setsUp(page);
  await list(page, OF_PEOPLE).click();
  await page.dialog.getByRole("checkbox", { name: /^mallory/ }).setChecked(true);
  await page.raw.goBack();
  await page.dialog.waitFor({ state: "detached" });
  await page.isIn("team-room");
  assert.match(await card(page).innerText(), /Nobody is chosen here yet/);
  await chooses(page, OF_PEOPLE, /— app$/, true);
  await card(page).getByText(/is a bot, and only people decide/).waitFor();
  await chooses(page, OF_ROLES, "@everyone", true);
  await card(page).getByText(/would let every member of the server decide/).waitFor();
}, { devices: ["phone"] });

/** A message of a program that listens to nobody, with lists of Discord's. */
async function offers(kinds) {
  const program = new Discord(it.run, `Bot ${(await makes("applications", { name: "Lists" })).token}`);
  const components = kinds.map(({ type, ...more }) => ({ type: 1, components: [{ type, custom_id: `list:${type}`, placeholder: `List ${type}`, ...more }] }));
  return program.says(it.channels["team-room"], { content: "choose something", components });
}

journey(it, "every kind of list offers what there is, and sends what was chosen", async (page) => {
  const role = await hasRole("Readers");
  await page.opens("team-room");
  await offers([
    { type: 5, max_values: 1, default_values: [{ id: idOf("zack"), type: "user" }] },
    { type: 6 },
    { type: 7, max_values: 3 },
    { type: 8, channel_types: [0] },
  ]);
  const message = await page.sees("choose something");
  const field = (type) => message.getByRole("combobox", { name: `List ${type}` });
  assert.equal(await field(5).inputValue(), idOf("zack"), "who is chosen stands there");
  none([...(await violations(page, "lists")), ...(await tooSmall(page, "lists"))]);
  assert.equal(await page.tooWide(), 0, "lists");
  const sent = () => page.raw.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/interactions"));
  const values = async (asked) => (await asked).postDataJSON().data.values;
  const chosen = async (type, value) => {
    const asked = sent();
    await field(type).selectOption(value);
    assert.deepEqual(await values(asked), [value]);
  };
  await chosen(5, idOf("mallory"));
  await chosen(6, role);
  assert.equal(await field(8).getByRole("option", { name: "#tasks" }).count(), 0, "a forum is no text channel");
  await chosen(8, it.channels.approvals);

  await message.getByRole("button", { name: "List 7" }).click();
  const done = page.dialog.getByRole("button", { name: "Done" });
  assert.equal(await done.isDisabled(), true, "one is needed");
  await page.dialog.getByRole("checkbox", { name: /^mallory/ }).check();
  await page.dialog.getByRole("checkbox", { name: "@Readers" }).check();
  none([...(await violations(page, "List 7")), ...(await tooSmall(page, "List 7"))]);
  const asked = sent();
  await done.click();
  assert.deepEqual((await values(asked)).sort(), [idOf("mallory"), role].sort());
}, { devices: ["phone"] });

journey(it, "a role is found among many", async (page) => {
  for (let at = 0; at < 14; at += 1) await hasRole(`Guests ${at}`);
  await setsUp(page);
  await list(page, OF_ROLES).click();
  const found = page.dialog.getByRole("checkbox");
  await until("all are there", async () => (await found.count()) > 14);
  await page.dialog.getByRole("checkbox", { name: "@Guests 3" }).check();
  const search = page.dialog.getByRole("searchbox", { name: "Search" });
  await search.fill("guests 13");
  await until("one is left", async () => (await found.count()) === 1);
  none([...(await violations(page, "found")), ...(await tooSmall(page, "found"))]);
  await found.check();
  await search.fill("");
  none([...(await violations(page, "many")), ...(await tooSmall(page, "many"))]);
  assert.equal(await page.tooWide(), 0, "many");
  await page.raw.screenshot({ path: it.picture("many roles", page.device) });
  await page.presses("Done");
  await card(page).getByText(/may decide from now on/).waitFor();
  await list(page, `${OF_ROLES} \\(@Guests (3, @Guests 13|13, @Guests 3)\\)`).waitFor();
  await page.raw.screenshot({ path: it.picture("many roles", `${page.device}-chosen`) });
}, { devices: ["phone"] });
