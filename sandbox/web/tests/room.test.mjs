// Reading and writing: what anybody does first.

import { assert, journey, until, world } from "./harness/index.mjs";

const it = world();

journey(it, "reads the room", async (page) => {
  await page.opens("team-room");
  await page.sees(/Try|three things|Welcome/i);
  assert.equal(await page.tooWide(), 0, "nothing is wider than the screen");
});

journey(it, "says something and an agent answers", async (page, device) => {
  await page.opens("dm-main");
  const words = `How are you on a ${device}?`;
  await page.says(words);
  await page.sees(words);
  await page.raw.getByRole("article", { name: /^Trunks/ }).filter({ hasText: words }).last().waitFor();
  assert.equal(await page.composer.inputValue(), "", "what was sent is not in the field any more");
});

journey(it, "writes two lines", async (page, device) => {
  await page.opens("team-room");
  await page.composer.click();
  await page.raw.keyboard.type(`first line ${device}`);
  await page.raw.keyboard.press(page.phone ? "Enter" : "Shift+Enter");
  await page.raw.keyboard.type("second line");
  assert.equal(await page.composer.inputValue(), `first line ${device}\nsecond line`);
  await page.sends();
  const message = await page.sees(`first line ${device}`);
  await until("both lines are one message", async () => /first line .*second line/s.test(await message.innerText()));
});

journey(it, "changes, reacts to, answers, pins and deletes a message", async (page, device) => {
  await page.opens("activity").catch(() => {});
  await page.opens("team-room");
  const words = `to be worked on, ${device}`;
  await page.says(words);
  await page.sees(words);
  await until("it is there", async () => (await it.zack.messages(it.channels["team-room"])).some((one) => one.content === words));

  await page.opensMenu(words);
  await page.chooses("React with 🎉");
  const reaction = page.message(words).getByRole("button", { name: "🎉, 1" });
  await reaction.waitFor();
  assert.equal(await reaction.getAttribute("aria-pressed"), "true");
  await reaction.click();
  await reaction.waitFor({ state: "detached" });

  await page.opensMenu(words);
  await page.chooses("Edit message");
  const editor = page.raw.getByRole("textbox", { name: "Edit message" });
  await editor.fill(`${words}, better`);
  await page.presses("Save");
  const changed = await page.sees(`${words}, better`);
  await changed.getByText("(edited)").waitFor();

  await page.opensMenu(`${words}, better`);
  await page.chooses("Reply");
  await page.raw.getByText("Replying to").waitFor();
  await page.says(`an answer, ${device}`);
  const answer = await page.sees(`an answer, ${device}`);
  await answer.getByRole("button", { name: /In reply to.*better/ }).waitFor();

  await page.opensMenu(`${words}, better`);
  await page.chooses("Pin message");
  await page.dialog.waitFor({ state: "detached" });
  await page.presses("Pinned messages");
  await page.dialog.getByText(`${words}, better`).waitFor();
  await page.escapes();

  await page.opensMenu(`an answer, ${device}`);
  await page.chooses("Delete message");
  await page.chooses("Really delete it?");
  await until("the answer is gone", async () => (await page.counts(`an answer, ${device}`)) === 0);
});

journey(it, "sends a file", async (page, device) => {
  await page.opens("team-room");
  await page.raw.getByLabel("Add files").setInputFiles({ name: `notes-${device}.txt`, mimeType: "text/plain", buffer: Buffer.from("seven words that are in a file") });
  await page.raw.getByRole("button", { name: `Remove notes-${device}.txt` }).waitFor();
  await page.says(`see the file, ${device}`);
  const link = (await page.sees(`see the file, ${device}`)).getByRole("link", { name: new RegExp(`notes-${device}\\.txt`) });
  await link.waitFor();
  const answer = await fetch(new URL(await link.getAttribute("href"), it.origin));
  assert.equal(await answer.text(), "seven words that are in a file");
  assert.match(answer.headers.get("content-security-policy") ?? "", /sandbox/);
});

journey(it, "keeps what was begun in another channel", async (page) => {
  await page.opens("team-room");
  await page.types("half a thou");
  await page.opens("dm-main");
  assert.equal(await page.composer.inputValue(), "");
  await page.opens("team-room");
  assert.equal(await page.composer.inputValue(), "half a thou");
});

journey(it, "unread marks and the way to a thread", async (page, device) => {
  await page.opens("dm-main");
  await it.mallory.says(it.channels["team-room"], `@everyone is not in vain: <@${it.run.discord.users[0].id}>, ${device}`);
  const nav = await page.showsChannels();
  await nav.getByRole("link", { name: /^team-room, \d+ for you$/ }).click();
  await page.sees(`not in vain: @zack, ${device}`);
  await page.showsChannels();
  await nav.getByRole("link", { name: "team-room", exact: true }).waitFor();
});

journey(it, "reads a task's thread in the forum", async (page) => {
  await page.opens("tasks");
  const posts = page.raw.getByRole("region", { name: /Posts in tasks/ });
  const first = posts.getByRole("link").first();
  await first.waitFor();
  await first.click();
  await page.articles.first().waitFor();
  await page.presses(/^Back to tasks/);
  await posts.waitFor();
});
