// Back closes what is open, and leaves the channel when nothing is.

import { assert, journey, until, world } from "./harness/index.mjs";

const it = world();

const back = (page) => page.raw.goBack();

/** Where each journey comes from, and where it opens things. */
const [BEFORE, HERE] = ["status", "approvals"];

const console_ = (page) => page.raw.getByRole("complementary", { name: "Console for trouble" });
const picker = (page) => page.raw.getByRole("listbox", { name: "Commands" });
const list = (page) => page.raw.getByRole("navigation", { name: "Channels" });
const command = (page) => page.raw.getByRole("form", { name: /^Command/ });

/** What can be open: how it is opened, what is seen then, and how it is closed by hand. */
const THINGS = {
  "a message's menu": {
    opens: (page) => page.opensMenu("Test the checkout"),
    seen: (page) => page.dialog,
    closes: (page) => page.escapes(),
  },
  "the pinned messages": {
    opens: (page) => page.presses("Pinned messages"),
    seen: (page) => page.dialog,
    closes: (page) => page.raw.mouse.click(20, 20),
  },
  "a form": {
    opens: (page) => page.presses(/Reject with/),
    seen: (page) => page.dialog,
    closes: (page) => page.presses("Cancel"),
  },
  "the list of commands": {
    opens: (page) => page.types("/"),
    seen: picker,
    closes: (page) => page.types(""),
  },
  "a command": {
    opens: (page) => page.begins("status"),
    seen: command,
    closes: (page) => page.presses("Do not use this command"),
  },
  "the choices of a command": {
    opens: async (page) => {
      if (!(await command(page).count())) await page.begins("task show");
      await page.raw.getByRole("combobox").click();
    },
    seen: (page) => page.raw.getByRole("listbox", { name: "Choices" }),
    closes: async (page) => {
      await page.raw.getByRole("listbox", { name: "Choices" }).getByRole("option").first().click();
      await page.presses("Do not use this command");
    },
    below: command,
  },
  "the words of a message that is edited": {
    opens: async (page) => {
      await page.opensMenu("Waiting for the phones");
      await page.chooses("Edit message");
    },
    seen: (page) => page.raw.getByRole("textbox", { name: "Edit message" }),
    closes: (page) => page.presses("Cancel"),
    before: () => it.zack.says(it.channels[HERE], "Waiting for the phones"),
  },
  "the channels": {
    opens: (page) => page.presses(/^Channels(,|$)/),
    seen: list,
    closes: (page) => list(page).getByRole("link", { name: new RegExp(`^${HERE}(,|$)`) }).click(),
    hides: true,
  },
  "the people": {
    opens: async (page) => {
      await page.showsChannels();
      await page.presses(/Look as someone else/);
    },
    seen: (page) => page.dialog,
    closes: async (page) => {
      await page.escapes();
      await list(page).getByRole("link", { name: new RegExp(`^${HERE}(,|$)`) }).click();
    },
    below: list,
  },
  "the console": {
    opens: async (page) => {
      await page.showsChannels();
      await page.presses("Console for trouble");
    },
    seen: console_,
    closes: (page) => page.presses("Close the console"),
  },
};

const address = (page) => new URL(page.raw.url()).pathname;
const isHere = (page) => assert.equal(address(page), `/channels/${it.run.discord.guild_id}/${it.channels[HERE]}`);

for (const [name, thing] of Object.entries(THINGS)) {
  journey(it, `Back closes ${name}, and then leaves the channel`, async (page) => {
    const shut = () => thing.seen(page).waitFor({ state: thing.hides ? "hidden" : "detached" });
    const opens = async () => {
      await thing.opens(page);
      await thing.seen(page).waitFor();
    };
    await thing.before?.();
    await page.opens(BEFORE);
    await page.opens(HERE);
    await page.sees("Test the checkout");
    await opens();
    await back(page);
    await shut();
    isHere(page);
    if (thing.below) {
      await thing.below(page).waitFor();
      await back(page);
      await thing.below(page).waitFor({ state: "hidden" });
      isHere(page);
    }
    await page.isIn(HERE);
    await back(page);
    await page.isIn(BEFORE);

    // Closed by hand, any number of times: one press leaves the channel, and the next place can be left as well.
    await page.opens(HERE);
    await page.sees("Test the checkout");
    for (let time = 0; time < 2; time += 1) {
      await opens();
      await thing.closes(page);
      await shut();
    }
    isHere(page);
    await back(page);
    await page.isIn(BEFORE);
    await until("the page is there", async () => (await page.articles.count()) > 0);
  }, { devices: ["phone"] });
}

/** Makes a thread of what zack says. */
async function thread(name) {
  const { id } = await it.zack.says(it.channels["team-room"], name);
  const made = await it.zack.call("POST", `/channels/${it.channels["team-room"]}/messages/${id}/threads`, { name });
  await it.zack.says(made.id, "the first word");
}

journey(it, "what leads elsewhere from above a channel is left with one press", async (page, device) => {
  const name = `Where to eat, ${device}`;
  await thread(name);
  await page.opens(BEFORE);
  await page.opens("team-room");
  await page.presses("Threads");
  await page.dialog.getByRole("button", { name }).click();
  await page.dialog.waitFor({ state: "detached" });
  await page.isIn(name);
  await back(page);
  await page.isIn("team-room");
  await back(page);
  await page.isIn(BEFORE);
  await page.raw.goForward();
  await page.isIn("team-room");
});

journey(it, "Back works after the page was loaded anew with something open", async (page) => {
  await page.opens(BEFORE);
  await page.opens(HERE);
  await page.sees("Test the checkout");
  await page.opensMenu("Test the checkout");
  await page.raw.reload();
  await page.isIn(HERE);
  await page.sees("Test the checkout");
  await page.opensMenu("Test the checkout");
  await back(page);
  await page.dialog.waitFor({ state: "detached" });
  isHere(page);
  await back(page);
  await page.isIn(BEFORE);
});

journey(it, "another server is gone to from the channels, and Back goes step by step", async (page) => {
  const { id, name } = await it.zack.call("POST", "/guilds", { name: "Elsewhere" });
  await page.opens(BEFORE);
  await page.opens(HERE);
  const nav = await page.showsChannels();
  await page.raw.getByRole("navigation", { name: "Servers" }).getByRole("button", { name: new RegExp(`^${name}(,|$)`) }).click();
  await nav.getByRole("link", { name: /^general(,|$)/ }).waitFor();
  await back(page);
  await nav.waitFor({ state: "hidden" });
  await page.isIn("general");
  assert.ok(address(page).startsWith(`/channels/${id}/`));
  await back(page);
  await page.isIn(HERE);
  await back(page);
  await page.isIn(BEFORE);
}, { devices: ["phone"] });

journey(it, "beside a wide screen's chat, the console stays where it is", async (page) => {
  await page.opens(BEFORE);
  await page.opens(HERE);
  await page.presses("Console for trouble");
  await console_(page).waitFor();
  await page.opensMenu("Test the checkout");
  await back(page);
  await page.dialog.waitFor({ state: "detached" });
  isHere(page);
  await back(page);
  await page.isIn(BEFORE);
  await console_(page).waitFor();
}, { devices: ["desktop"] });
