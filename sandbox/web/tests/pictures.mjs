// Takes the pictures of the README, from a demo that has just begun: npm run pictures

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Bridge } from "./harness/bridge.mjs";
import { DEVICES, launch } from "./harness/browser.mjs";
import { Page } from "./harness/page.mjs";

const docs = new URL("../../../docs/", import.meta.url);
const bridge = await Bridge.start();
const browser = await launch();

async function takes(name, device, go) {
  const context = await browser.newContext({ ...DEVICES[device], colorScheme: "dark", reducedMotion: "reduce" });
  const page = new Page(await context.newPage(), device);
  page.origin = bridge.run.discord.page;
  await page.comes("/");
  await go(page);
  await page.raw.mouse.move(0, 0);
  await page.raw.evaluate(() => document.activeElement?.blur());
  await page.raw.screenshot({ path: fileURLToPath(new URL(`${name}-${device}.png`, docs)) });
  await context.close();
}

try {
  await mkdir(docs, { recursive: true });
  await takes("room", "phone", async (page) => {
    await page.opens("team-room");
    await page.says("@Ricky how is the shop page?");
    await page.raw.getByRole("article", { name: /^Ricky/ }).last().waitFor();
    await page.raw.getByRole("button", { name: "✅, 1" }).waitFor();
  });
  await takes("approval", "phone", async (page) => {
    await page.opens("approvals");
    await page.raw.getByRole("button", { name: "Approve" }).first().waitFor();
  });
  await takes("tasks", "desktop", async (page) => {
    await page.opens("tasks");
    await page.raw.getByRole("link", { name: /Connect the payment provider/ }).click();
    await page.raw.getByRole("button", { name: /^A\)/ }).waitFor();
  });
  await takes("status", "desktop", async (page) => {
    await page.opens("status");
    await page.presses("Console for trouble");
    await page.raw.getByRole("switch", { name: /^Executor/ }).click();
    await page.sees(/Backup since/);
  });
} finally {
  await browser.close();
  await bridge.stop();
}
