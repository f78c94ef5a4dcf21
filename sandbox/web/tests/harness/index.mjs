// One world per test file, and journeys through it: each on a phone and on a desktop.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Bridge } from "./bridge.mjs";
import { DEVICES, launch } from "./browser.mjs";
import { Discord } from "./discord.mjs";
import { Page } from "./page.mjs";
import { dist, pictures } from "./paths.mjs";

export { assert };
export { sleep, until } from "./wait.mjs";

/** Nothing was found; else what it was, a line each. */
export const none = (found) => assert.equal([...new Set(found)].join("\n"), "");

/** How long a journey may take, in milliseconds. */
const JOURNEY_MS = 90_000;

/** What runs for a file of tests: begun before the first one, ended after the last one. */
export function world() {
  const it = {};
  before(async () => {
    it.bridge = await Bridge.start();
    it.run = it.bridge.run;
    it.channels = it.run.discord.channels;
    it.origin = it.run.discord.page;
    it.bot = new Discord(it.run, `Bot ${it.run.discord.bot_token}`);
    for (const { name, token } of it.run.discord.users) it[name] = new Discord(it.run, token);
    // Discord's pace is for programs; these tests are about people.
    await it.bot.faults({ rate_limits: "off" });
    it.browser = await launch();
  });
  after(async () => {
    await it.browser?.close();
    await it.bridge?.stop();
  });
  /** Where a picture of a moment goes. */
  it.picture = (name, device) => join(pictures, `${slug(name)}-${device}.png`);
  /** Opens the page on a device, in a browser that has never seen it. */
  it.opens = async (device, { served, ...options } = {}) => {
    const context = await it.browser.newContext({ ...DEVICES[device], colorScheme: "dark", reducedMotion: "reduce", ...options });
    if (process.env.CLAWDOS_PAGE_DIST && !served) await asBuiltNow(context);
    const page = new Page(await context.newPage(), device);
    page.origin = it.origin;
    return page;
  };
  return it;
}

/** Takes the page's files from dist/: what `npm run build` wrote after the program was built. */
async function asBuiltNow(context) {
  await context.route("**/assets/*", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop();
    return route.fulfill({ path: join(dist, name) });
  });
}

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/**
 * A journey on both devices. `go(page, device)` begins on the page, signed in. What the page throws
 * fails it; its last sight is kept.
 */
export function journey(it, name, go, options = {}) {
  for (const device of options.devices ?? Object.keys(DEVICES)) {
    test(`${name} (${device})`, { timeout: JOURNEY_MS }, async () => {
      await options.before?.();
      const page = await it.opens(device, options.context);
      if (options.wires) await page.hasWires();
      const failed = it.picture(`${name} failed`, device);
      try {
        await page.comes(options.path ? options.path() : "/");
        await go(page, device);
        assert.deepEqual(page.thrown, [], "the page threw");
        await page.raw.screenshot({ path: it.picture(name, device) });
      } catch (error) {
        await page.raw.screenshot({ path: failed }).catch(() => {});
        console.error(`--- ${name} (${device}): ${failed}`);
        console.error(`--- the browser's console\n${[...page.console, ...page.thrown].slice(-30).join("\n")}`);
        console.error(`--- the bridge\n${it.bridge.output()}`);
        throw error;
      } finally {
        await page.raw.context().close();
        await it.bot.noFaults();
        await it.bot.faults({ rate_limits: "off" });
      }
    });
  }
}
