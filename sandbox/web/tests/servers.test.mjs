// Several servers: one more is made and set up, and each keeps to itself.

import { assert, journey, none, until, world } from "./harness/index.mjs";
import { tooSmall, violations } from "./harness/reach.mjs";

const it = world();

const rail = (page) => page.raw.getByRole("navigation", { name: "Servers" });
const button = (page, name) => rail(page).getByRole("button", { name, exact: true });
/** A server's button, with any mark. */
const marked = (page, name) => rail(page).getByRole("button", { name: new RegExp(`^${name}(,|$)`) });
const shown = (page) => new URL(page.raw.url()).pathname.split("/").slice(2);

const first = () => it.zack.call("GET", `/guilds/${it.run.discord.guild_id}`);

/** Asks for a server where one finds that: the console, while there is no list of servers. */
async function asksForServer(page, already) {
  await page.showsChannels();
  assert.equal(await button(page, "New server").count(), already ? 1 : 0, "only with several servers");
  await page.presses("Console for trouble");
  const inside = page.raw.getByRole("complementary", { name: "Console for trouble" });
  await inside.getByRole("switch").first().waitFor();
  assert.equal(await inside.getByRole("button", { name: /^New server/ }).count(), already ? 0 : 1, "in one place alone");
  if (!already) return inside.getByRole("button", { name: /^New server/ }).click();
  await page.presses("Close the console");
  await page.showsChannels();
  await button(page, "New server").click();
}

/** The channel of the list that is open. */
async function isCurrent(nav, name) {
  await until(`${name} is open`, async () => (await nav.getByRole("link", { name: new RegExp(`^${name}(,|$)`) }).getAttribute("aria-current")) === "page");
}

/** The names in the list that are channels of the first server. */
async function channelsOfFirst(nav) {
  const all = await it.zack.call("GET", `/guilds/${it.run.discord.guild_id}/channels`);
  const names = await nav.getByRole("link").evaluateAll((links) => links.map((one) => one.ariaLabel.split(",")[0]));
  return names.filter((name) => all.some((one) => one.name === name)).sort();
}

/** Everybody reads and presses what is there. */
async function isReached(page, where) {
  none([...(await violations(page, where)), ...(page.phone ? await tooSmall(page, where) : [])]);
  assert.equal(await page.tooWide(), 0, where);
}

async function uses(page, command, options) {
  await page.begins(command);
  for (const [name, value] of options) {
    await page.presses(`+ ${name}`);
    const field = page.raw.getByRole("form", { name: `Command ${command}` }).getByRole("combobox", { name: new RegExp(`^${name}\\b`) });
    if (await field.evaluate((one) => one.localName === "select")) await field.selectOption(value);
    else await field.fill(value);
  }
  await page.presses("Send command");
}

journey(it, "makes a server, shows a new project there, and comes back", async (page, device) => {
  const name = `Second, ${device}`;
  const { name: home } = await first();
  const already = (await it.zack.call("GET", "/users/@me/guilds")).length > 1;
  await page.opens("team-room");
  let nav = await page.showsChannels();
  const before = await channelsOfFirst(nav);
  await asksForServer(page, already);
  await isReached(page, "the form");
  await page.dialog.getByRole("textbox", { name: "What is it called?" }).fill(name);
  await page.presses("Make it");
  await page.dialog.waitFor({ state: "detached" });

  await page.isIn("general");
  await page.sees(/Mission Control is here.*\/setup/s);
  const [guild, general] = shown(page);
  assert.notEqual(guild, it.run.discord.guild_id);
  await uses(page, "setup", [["project", `new-shop-${device}`]]);
  await page.presses("Create and show it…", { on: await page.sees("There is no project") });
  await page.dialog.getByRole("textbox", { name: /^What is it called/ }).fill(`New Shop, ${device}`);
  await page.presses("Submit");
  await page.sees(`this server shows New Shop, ${device}`, { timeout: 30_000 });
  await uses(page, "labs", [["flag", "team_room"], ["on", "true"]]);
  nav = await page.showsChannels();
  for (const channel of ["approvals", "status", "team-room"]) await nav.getByRole("link", { name: new RegExp(`^${channel}(,|$)`) }).waitFor();
  await page.raw.screenshot({ path: it.picture("two servers", device) });
  await isReached(page, "the list");
  await page.opens("team-room");
  const words = `Good morning, ${device}`;
  await page.says(words);
  const [its, room] = shown(page);
  assert.equal(its, guild, "the address says which server it is");
  await until("it was said there", async () => (await it.zack.messages(room)).some((one) => one.content === words));

  // The first server is as it was, where it was left.
  nav = await page.showsChannels();
  await marked(page, home).click();
  await isCurrent(nav, "team-room");
  assert.deepEqual(shown(page), [it.run.discord.guild_id, it.channels["team-room"]]);
  assert.deepEqual(await channelsOfFirst(nav), before);
  assert.equal(await page.counts(words), 0);
  await it.bot.says(general, `<@${it.run.discord.users.find((one) => one.name === "zack").id}>, over here`);
  await button(page, `${name}, 1 for you`).click();
  await isCurrent(nav, "team-room");
  assert.deepEqual(shown(page), [guild, room], "where it was left");
  await nav.getByRole("link", { name: "general, 1 for you" }).click();
  await page.sees("over here");
  await page.showsChannels();
  await until("it is read", async () => !/for you/.test(await marked(page, name).innerText()));
  if (!page.phone) {
    await page.raw.goBack();
    await page.isIn("team-room");
    await page.raw.goBack();
    await until("back in the first server", () => shown(page)[0] === it.run.discord.guild_id);
    await isCurrent(nav, "team-room");
    assert.equal(await marked(page, home).getAttribute("aria-current"), "true");
  }
});

journey(it, "follows servers that come, change and go", async (page, device) => {
  const { name: home } = await first();
  const mallory = it.run.discord.users.find((one) => one.name === "mallory").id;
  await page.opens("team-room");
  const nav = await page.showsChannels();
  const name = `Quiet ${device}`;
  const { id: guild } = await it.zack.call("POST", "/guilds", { name });
  await button(page, name).waitFor();
  const joined = await fetch(`${it.zack.control}/guilds/${guild}/members`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user_id: mallory }),
  });
  assert.equal(joined.status, 204);
  const [general] = await it.zack.call("GET", `/guilds/${guild}/channels`);
  await it.mallory.says(general.id, "a word");
  await button(page, `${name}, unread`).waitFor();
  const { id: corner } = await it.zack.call("POST", `/guilds/${guild}/channels`, { name: "corner" });
  await button(page, `${name}, unread`).click();
  await isCurrent(nav, "general");
  await nav.getByRole("link", { name: "corner" }).click();
  await page.isIn("corner");
  assert.deepEqual(shown(page), [guild, corner]);

  // People and commands are those of this server.
  if (!page.phone) {
    const members = page.raw.getByRole("complementary", { name: "Members" });
    await members.getByText("mallory").waitFor();
    assert.equal(await members.getByText("APP").count(), 0, "the bot is not here");
  }
  const answered = page.raw.waitForResponse(/application-command-index/);
  await page.types("/");
  assert.deepEqual((await (await answered).json()).application_commands, []);
  assert.equal(await page.raw.getByRole("option").count(), 0);
  await page.types("");

  // An address alone leads to a server, and the one that is left is gone from the list.
  await page.comes(`/channels/${guild}`);
  await page.isIn("general");
  await page.becomes("mallory");
  await page.showsChannels();
  await isCurrent(nav, "general");
  assert.equal(await button(page, "New server").count(), 0, "only for the operator");
  await it.zack.call("DELETE", `/guilds/${guild}/members/${mallory}`);
  await marked(page, name).waitFor({ state: "detached" });
  await until("it shows another one", () => shown(page)[0] === it.run.discord.guild_id);
  assert.equal(await marked(page, home).getAttribute("aria-current"), "true");
  await nav.getByRole("link", { name: /^team-room(,|$)/ }).waitFor();
});
