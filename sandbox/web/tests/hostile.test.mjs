// Whatever somebody writes is a text: nothing runs, nothing throws, nothing leaves its place.

import { assert, journey, world } from "./harness/index.mjs";

const it = world();

/** Milliseconds of a processor's time that the page may need for two messages and all that goes with them. */
const BUSY_MS = 500;

async function general() {
  it.general ??= (await it.bot.call("GET", `/guilds/${it.run.discord.guild_id}/channels`)).find((one) => one.name === "general").id;
  return it.general;
}

/** Opens #general and watches what should not happen. */
async function opens(page) {
  page.raw.on("dialog", (dialog) => {
    page.thrown.push(`a dialog was opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.raw.on("request", (request) => {
    const url = new URL(request.url());
    if (!/^(data|https):$/.test(url.protocol) && url.origin !== new URL(it.origin).origin) page.thrown.push(`a request went to ${url}`);
  });
  await general();
  await page.opens("general");
}

/** Tells how long the page has worked since the last look, in milliseconds of its thread: others' work does not count. */
async function meter(page) {
  const wire = await page.raw.context().newCDPSession(page.raw);
  await wire.send("Performance.enable", { timeDomain: "threadTicks" });
  let before = 0;
  return async () => {
    const { metrics } = await wire.send("Performance.getMetrics");
    const now = metrics.find((one) => one.name === "TaskDuration").value * 1000;
    const since = now - before;
    before = now;
    return since;
  };
}

/** Nothing of a message became more than a text or a link to the web. */
async function harmless(page) {
  const found = await page.raw.evaluate(() => {
    const log = document.querySelector("[role=log]");
    const elements = [...log.querySelectorAll("*")];
    const wrong = elements.filter((one) => {
      const tag = one.localName;
      if (["script", "iframe", "object", "embed", "base", "meta", "style", "link"].includes(tag)) return true;
      if ([...one.attributes].some((attribute) => attribute.name.startsWith("on"))) return true;
      return tag === "a" && one.hasAttribute("href") && !/^(https?:|\/)/.test(one.getAttribute("href"));
    });
    return wrong.map((one) => one.outerHTML.slice(0, 200));
  });
  assert.deepEqual(found, []);
  assert.equal(await page.raw.evaluate(() => window.pwned), undefined, "nothing ran");
  assert.equal(await page.tooWide(), 0, "nothing is wider than the screen");
}

const HTML = [
  "<script>window.pwned = 1</script> one",
  "<img src=x onerror=window.pwned=1> two",
  "<svg onload=window.pwned=1><a href=javascript:alert(1)>three</a></svg> three",
  "</div></article><h1>four</h1><style>*{display:none}</style>",
  "&lt;b&gt; &amp; &#60;i&#62; five",
  "[six](javascript:window.pwned=1) [seven](data:text/html,<script>alert(1)</script>) [eight](https://example.com/a\"onmouseover=window.pwned=1)",
  "<javascript:alert(1)> [https://good.example](https://evil.example/)",
  "`<script>window.pwned=1</script>` ```html\n<script>window.pwned = 1</script>\n``` nine",
];

journey(it, "html is text", async (page, device) => {
  await opens(page);
  for (const [at, words] of HTML.entries()) {
    if (at % 2) await it.mallory.says(it.general, `${words} ${device}`);
    else await page.says(`${words} ${device}`);
  }
  await page.sees(`nine ${device}`);
  await page.sees("<script>window.pwned = 1</script> one");
  await page.sees("<img src=x onerror=window.pwned=1> two");
  await page.sees("&lt;b&gt; &amp; &#60;i&#62; five");
  // A link that calls itself another place says where it leads.
  await page.sees("(evil.example)");
  await harmless(page);
});

journey(it, "a very long line goes as a file", async (page) => {
  await opens(page);
  const line = `${"0123456789".repeat(10_240)}end`;
  await page.composer.click();
  await page.raw.evaluate((text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    if (document.activeElement.dispatchEvent(paste)) document.execCommand("insertText", false, text);
  }, line);
  await page.raw.getByRole("alert").filter({ hasText: "characters too many" }).waitFor();
  assert.equal(await page.composer.inputValue(), line, "no word is lost");
  assert.equal(await page.raw.getByRole("button", { name: "Send message" }).isDisabled(), true);
  await page.presses("Send it as a file");
  await page.raw.getByText("message.txt").first().waitFor();
  await page.presses("Send message");
  const file = page.articles.last().getByRole("link", { name: /message\.txt/ });
  await file.waitFor();
  assert.equal(await (await fetch(new URL(await file.getAttribute("href"), it.origin))).text(), line);
  await harmless(page);
});

journey(it, "lines without an end stay on the screen", async (page, device) => {
  await opens(page);
  await it.mallory.says(it.general, "W".repeat(1990));
  await it.mallory.says(it.general, `\`${"M".repeat(1990)}\``);
  await it.mallory.says(it.general, `\`\`\`\n${"Q".repeat(1980)}\n\`\`\``);
  await it.mallory.says(it.general, `https://example.com/${"x".repeat(1900)}`);
  await it.bot.says(it.general, { embeds: [{ title: "T".repeat(256), description: "D".repeat(4000), fields: [{ name: "N".repeat(256), value: "V".repeat(1000), inline: true }] }] });
  await it.mallory.says(it.general, `after the lines, ${device}`);
  await page.sees(`after the lines, ${device}`);
  await harmless(page);
});

journey(it, "names of any length stay on the screen", async (page, device) => {
  await opens(page);
  const hook = await it.bot.call("POST", `/channels/${it.general}/webhooks`, { name: "names" });
  const says = (username, content) => it.bot.call("POST", `/webhooks/${hook.id}/${hook.token}?wait=true`, { username, content });
  await says("W".repeat(80), "a long name");
  await says("\u202Eyllaer si ohW", `turned around, ${device}`);
  await says("<img src=x onerror=window.pwned=1>", "a name of html");
  const turned = await page.sees(`turned around, ${device}`);
  // The tag and the time follow the name; a name that turns around turns nothing but itself.
  const name = await turned.getByText("ohW").first().boundingBox();
  const tag = await turned.getByText("APP", { exact: true }).boundingBox();
  assert.ok(tag.x >= name.x + name.width - 1, "the tag stands after the name");
  await page.sees("a name of html");
  await harmless(page);
});

journey(it, "texts from right to left end with themselves", async (page, device) => {
  await opens(page);
  await it.mallory.says(it.general, `\u202E\u2067\u2066turned ${device}`);
  await it.mallory.says(it.general, `straight ${device}`);
  await it.mallory.says(it.general, "\u05E9\u05DC\u05D5\u05DD \u05E2\u05D5\u05DC\u05DD");
  const straight = await page.sees(`straight ${device}`);
  const order = await straight.evaluate((article, words) => {
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const from = node.data.indexOf(words);
      if (from < 0) continue;
      const at = (index) => {
        const range = document.createRange();
        range.setStart(node, from + index);
        range.setEnd(node, from + index + 1);
        return range.getBoundingClientRect().left;
      };
      return [at(0), at(words.length - 1)];
    }
    return null;
  }, `straight ${device}`);
  assert.ok(order[0] < order[1], "the next message is read from the left");
  await harmless(page);
});

journey(it, "heaps of accents paint over nobody else", async (page, device) => {
  await opens(page);
  const heap = [...`zalgo ${device}`].map((letter) => letter + "\u0300\u0301\u0302\u0310\u0316\u0323\u0330\u035F".repeat(14)).join("");
  await it.zack.says(it.general, `the one above, ${device}`);
  await it.mallory.says(it.general, heap.slice(0, 1990));
  await it.zack.says(it.general, `the one below, ${device}`);
  await page.sees(`the one below, ${device}`);
  await page.raw.mouse.move(0, 0);
  const all = await page.articles.all();
  // Held as it is: what is hidden has no role to be found by.
  const [above, loud, below] = await Promise.all(all.slice(-3).map((one) => one.elementHandle()));
  const clips = [await above.boundingBox(), await below.boundingBox()];
  const looks = async () => {
    const shots = [];
    for (const clip of clips) shots.push((await page.raw.screenshot({ clip, caret: "hide" })).toString("base64"));
    return shots;
  };
  const seen = await looks();
  await loud.evaluate((article) => (article.style.visibility = "hidden"));
  const alone = await looks();
  await loud.evaluate((article) => (article.style.visibility = ""));
  assert.deepEqual(seen.map((shot, at) => shot === alone[at]), [true, true], "the neighbours look the same without it");
  await harmless(page);
});

const HEAVY = {
  stars: "*".repeat(1990),
  pairs: "**a".repeat(660),
  bars: "||".repeat(990),
  "bars with words": "||a|| ".repeat(330),
  links: "[a](".repeat(490),
  brackets: "[".repeat(1990),
  underscores: "_".repeat(1990),
  backticks: "`".repeat(1990),
  "odd backticks": "`a``b```".repeat(240).slice(0, 1990),
  quotes: `${"> ".repeat(900)}deep`,
  "lines of quotes": "> a\n".repeat(490),
  "all quotes": `>>> ${"> ".repeat(800)}`,
  headings: "# a\n".repeat(490),
  lists: Array.from({ length: 200 }, (_, at) => `${" ".repeat(at % 9)}- a`).join("\n"),
  stamps: "<t:1:R>".repeat(280),
  "odd stamps": "<t:99999999999999:R><t:-99999999999:F><t:0:x><t:1e9:R>",
  mentions: `<@1><@&2><#3></a b:4><:e:5><a:f:6><id:guide><@!7>@everyone@here ${"<@1>".repeat(400)}`,
  mixed: "***__~~||`".repeat(190),
  nested: `${"**__".repeat(240)}x${"__**".repeat(240)}`,
  backslashes: "\\".repeat(1990),
  lines: "a\n".repeat(990),
  addresses: "http://a.b ".repeat(180),
};

journey(it, "markup by the thousand", async (page, device) => {
  await opens(page);
  const work = await meter(page);
  for (const [name, text] of Object.entries(HEAVY)) {
    await work();
    await it.mallory.says(it.general, text);
    await it.zack.says(it.general, `after ${name}, ${device}`);
    await page.sees(`after ${name}, ${device}`);
    const busy = await work();
    assert.ok(busy < BUSY_MS, `${name} kept the page busy for ${Math.round(busy)} ms`);
  }
  await harmless(page);
});

journey(it, "embeds with odd colours and addresses", async (page, device) => {
  await opens(page);
  const odd = [
    { title: "black", color: 0 },
    { title: "white", color: 0xffffff, url: "https://example.com/a b?<script>" },
    { title: "nothing but a footer", footer: { text: "<b>foot</b>" }, timestamp: "2026-01-01T00:00:00Z" },
    { title: "<img src=x onerror=window.pwned=1>", description: "[click](javascript:window.pwned=1) <script>window.pwned=1</script>" },
    { author: { name: "\u202Erohtua", url: "https://example.com" }, description: "by somebody" },
    { fields: Array.from({ length: 25 }, (_, at) => ({ name: `field ${at}`, value: "||hidden|| ~~gone~~", inline: at % 2 === 0 })) },
    { title: "picture", image: { url: "https://127.0.0.1:9/none.png" }, thumbnail: { url: "https://127.0.0.1:9/none.png" } },
  ];
  for (const embed of odd) await it.bot.says(it.general, { embeds: [embed] });
  await it.bot.says(it.general, { content: `after embeds, ${device}` });
  await page.sees(`after embeds, ${device}`);
  await page.sees("<b>foot</b>");
  await harmless(page);
});

journey(it, "a Discord that answers nonsense", async (page, device) => {
  // What Discord would refuse to store; the page must not trust that it did.
  const lies = {
    embeds: [
      { title: "no colour", color: -1, url: "javascript:window.pwned=1", image: { url: "javascript:window.pwned=1" } },
      { title: "far too much", color: 1e12, timestamp: "never", url: "nowhere" },
      { title: null, description: null, fields: null, color: "red;background:url(javascript:1)", image: null, footer: null },
    ],
    attachments: [
      { id: "1", filename: "evil.html", size: -1, url: "javascript:window.pwned=1", content_type: "text/html" },
      { id: "2", filename: "evil.svg", size: 1e99, url: "data:text/html,<script>alert(1)</script>", content_type: "image/svg+xml" },
      { id: "3", filename: "evil.png", size: 5, url: "javascript:window.pwned=1", content_type: "image/png" },
    ],
    components: [
      { type: 1, components: [{ type: 2, style: 5, label: "link", url: "javascript:window.pwned=1" }, { type: 2, style: 99, label: "style", custom_id: "a" }] },
      { type: 1, components: [{ type: 3, custom_id: "b", options: null }] },
      { type: 4242 },
    ],
    reactions: [{ emoji: { id: null, name: null }, count: 1, me: false }],
    mentions: null,
    edited_timestamp: "never",
  };
  await opens(page);
  await it.mallory.says(it.general, `nonsense, ${device}`);
  await page.sees(`nonsense, ${device}`);
  await page.raw.route("**/api/v10/channels/*/messages?*", async (route) => {
    const answer = await route.fetch();
    const list = await answer.json();
    const spoilt = list.map((one) => (one.content === `nonsense, ${device}` ? { ...one, ...lies } : one));
    await route.fulfill({ response: answer, json: spoilt });
  });
  await page.raw.reload();
  await page.composerOrWords();
  await page.sees("far too much");
  await harmless(page);
});
