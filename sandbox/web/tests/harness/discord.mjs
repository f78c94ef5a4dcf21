// Discord's API as a program uses it: for what has to be there before somebody looks at the page.

export class Discord {
  constructor(run, token) {
    this.api = run.discord.api;
    this.control = new URL("/_sandbox", run.discord.api).href;
    this.token = token;
  }

  async call(method, path, body) {
    const answer = await fetch(this.api + path, {
      method,
      headers: { Authorization: this.token, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  says(channel, message) {
    return this.call("POST", `/channels/${channel}/messages`, typeof message === "string" ? { content: message } : message);
  }

  messages(channel, query = "limit=100") {
    return this.call("GET", `/channels/${channel}/messages?${query}`);
  }

  /** Asks the sandbox for trouble. */
  async faults(body) {
    const answer = await fetch(`${this.control}/faults`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`faults: ${answer.status} ${await answer.text()}`);
  }

  async noFaults() {
    await fetch(`${this.control}/faults`, { method: "DELETE" });
  }
}
