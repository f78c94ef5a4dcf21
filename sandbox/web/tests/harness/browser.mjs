// Chromium, as the machine has it.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

function found() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const all = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const program = all.find((path) => existsSync(path));
  if (!program) throw new Error("There is no Chromium. On Debian: apt-get install chromium. Elsewhere: CHROMIUM=/its/path");
  return program;
}

export function launch() {
  // Chromium's sandbox refuses root, and small containers have a small /dev/shm.
  const args = process.getuid?.() === 0 ? ["--no-sandbox", "--disable-dev-shm-usage"] : ["--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: found(), args });
}

/** What the page is looked at with. */
export const DEVICES = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
  desktop: { viewport: { width: 1280, height: 800 } },
};
