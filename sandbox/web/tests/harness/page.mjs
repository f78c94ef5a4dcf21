// The page in the words of somebody who uses it. Everything is found by its role and its name, as a
// screen reader finds it: never by a class.

import { until, PATIENCE_MS } from "./wait.mjs";

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export class Page {
  constructor(raw, device) {
    this.raw = raw;
    this.device = device;
    this.phone = device === "phone";
    /** What the browser's console said, and what was thrown. */
    this.console = [];
    this.thrown = [];
    raw.setDefaultTimeout(PATIENCE_MS);
    raw.on("console", (line) => this.console.push(`${line.type()}: ${line.text()}`));
    raw.on("pageerror", (error) => this.thrown.push(String(error.stack ?? error)));
  }

  /** The messages that are shown. */
  get log() {
    return this.raw.getByRole("log");
  }

  get articles() {
    return this.log.getByRole("article");
  }

  get composer() {
    return this.raw.getByRole("textbox", { name: /^Message [#@]/ });
  }

  get dialog() {
    return this.raw.getByRole("dialog");
  }

  /** The last message with this text. */
  message(text) {
    return this.articles.filter({ hasText: text }).last();
  }

  async comes(path = "/") {
    await this.raw.goto(new URL(path, this.origin).href);
    await this.composerOrWords();
  }

  /** Somebody is signed in and a place is open. */
  async composerOrWords() {
    await this.raw.getByRole("heading", { level: 1 }).first().waitFor();
    await until("the page is connected", async () => (await this.raw.getByText("Connecting…").count()) === 0);
  }

  /** Shows the list of channels, which a phone hides behind the chat. */
  async showsChannels() {
    const nav = this.raw.getByRole("navigation", { name: "Channels" });
    if (await nav.isVisible()) return nav;
    await this.raw.getByRole("button", { name: /^Channels(,|$)/ }).click();
    await nav.waitFor();
    return nav;
  }

  async opens(channel) {
    if (await this.raw.getByRole("button", { name: /^Back to / }).isVisible().catch(() => false)) {
      await this.raw.getByRole("button", { name: /^Back to / }).click();
    }
    const nav = await this.showsChannels();
    await nav.getByRole("link", { name: new RegExp(`^${escaped(channel)}(,|$)`) }).click();
    await this.isIn(channel);
  }

  async isIn(title) {
    await this.raw.getByRole("heading", { level: 1, name: title }).waitFor();
  }

  async types(text) {
    await this.composer.fill(text);
  }

  /** Sends what is typed, as this device does it. */
  async sends() {
    if (this.phone) await this.presses("Send message");
    else await this.composer.press("Enter");
  }

  async says(text) {
    await this.types(text);
    await this.sends();
  }

  async sees(text, options) {
    const message = this.message(text);
    await message.waitFor(options);
    return message;
  }

  /** How often a text stands in the log. */
  async counts(text) {
    return this.articles.filter({ hasText: text }).count();
  }

  /** Presses what has this name, within the last message with a text if one is given. */
  async presses(name, { on, role = "button" } = {}) {
    const place = on ? (typeof on === "string" ? this.message(on) : on) : this.raw;
    await place.getByRole(role, { name, exact: typeof name === "string" }).last().click();
  }

  /** Opens the menu of a message. */
  async opensMenu(text) {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: "What to do with this message" }).click();
    await this.dialog.waitFor();
    return this.dialog;
  }

  async chooses(entry) {
    await this.dialog.getByRole("button", { name: entry, exact: true }).click();
  }

  /** Closes what is open above the page. */
  async escapes() {
    await this.dialog.waitFor();
    await this.raw.keyboard.press("Escape");
    await this.dialog.waitFor({ state: "detached" });
  }

  async becomes(name) {
    await this.showsChannels();
    await this.raw.getByRole("button", { name: /Look as someone else/ }).click();
    await this.dialog.getByRole("button", { name: new RegExp(`^${name}`) }).click();
    await this.dialog.waitFor({ state: "detached" });
    await this.raw.getByRole("button", { name: new RegExp(`^You are ${name}\\b`) }).waitFor({ state: "attached" });
  }

  /** Begins a slash command: types its name and takes it from the list. */
  async begins(command) {
    await this.types(`/${command}`);
    const option = this.raw.getByRole("option", { name: new RegExp(`^/${command}\\b`) }).first();
    await option.waitFor();
    if (this.phone) await option.click();
    else await this.composer.press("Enter");
    await this.raw.getByRole("form", { name: `Command ${command}` }).waitFor();
  }

  /** Its connections can be cut from now on: asked for before it comes. */
  async hasWires() {
    this.cut = false;
    this.sockets = new Set();
    await this.raw.routeWebSocket(/\/\?v=10/, (socket) => {
      if (this.cut) return void socket.close({ code: 4900 });
      const server = socket.connectToServer();
      this.sockets.add(socket);
      server.onClose((code, reason) => {
        this.sockets.delete(socket);
        void socket.close({ code: code === 1006 ? 4900 : code, reason }).catch(() => {});
      });
    });
  }

  /** Neither requests nor the gateway get through. */
  async loses() {
    this.cut = true;
    await this.raw.context().setOffline(true);
    for (const socket of this.sockets) await socket.close({ code: 4900 });
    this.sockets.clear();
    await this.banner.waitFor();
  }

  async finds() {
    this.cut = false;
    await this.raw.context().setOffline(false);
    await this.banner.waitFor({ state: "detached" });
  }

  get banner() {
    return this.raw.getByRole("status").filter({ hasText: "The connection to Discord is gone" });
  }

  /** How far the page could be scrolled to the side, in pixels. */
  tooWide() {
    return this.raw.evaluate(() => {
      const boxes = [document.scrollingElement, ...document.querySelectorAll("main, [role=log], nav, aside, [role=region], dialog")];
      return Math.max(...boxes.map((it) => it.scrollWidth - it.clientWidth));
    });
  }
}
