// The real program as a child process, on a data folder of its own: a bridge, an embedded Postgres, a
// sandbox and an executor. It ends by its pid, and its folder goes with it.

import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspace } from "./paths.mjs";
import { sleep } from "./wait.mjs";

/** How long a first start may take, with the making of a database. In milliseconds. */
const START_MS = 60_000;

/** How long a stop may take (the promise is 10 s). */
const STOP_MS = 12_000;

function program() {
  const given = process.env.CLAWDOS_BRIDGE_BIN;
  if (given) return given;
  const built = join(workspace, "target/debug/clawdos-bridge");
  if (!existsSync(built)) spawnSync("cargo", ["build", "--locked"], { cwd: workspace, stdio: "inherit" });
  return built;
}

export class Bridge {
  static async start() {
    const bridge = new Bridge();
    await bridge.ready();
    return bridge;
  }

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "clawdos-page-"));
    // As root, Postgres runs as somebody else, who has to get in.
    chmodSync(this.folder, 0o755);
    this.log = join(this.folder, "bridge.log");
    const out = openSync(this.log, "a");
    const { PATH, HOME, LANG } = process.env;
    this.child = spawn(program(), ["--data-dir", this.folder], {
      cwd: this.folder,
      env: { PATH, HOME, LANG, RUST_LOG: "info" },
      stdio: ["ignore", out, out],
    });
    this.ended = new Promise((done) => this.child.once("exit", done));
    this.atExit = () => this.child.kill("SIGKILL");
    process.once("exit", this.atExit);
  }

  async ready() {
    const until = Date.now() + START_MS;
    while (Date.now() < until) {
      if (this.child.exitCode !== null) throw new Error(`The bridge ended:\n${this.output()}`);
      try {
        const run = JSON.parse(readFileSync(join(this.folder, "run.json"), "utf8"));
        if (run.ready && run.pid === this.child.pid) {
          this.run = run;
          return;
        }
      } catch {
        // Not written yet.
      }
      await sleep(20);
    }
    throw new Error(`The bridge was not ready in time:\n${this.output()}`);
  }

  /** The last lines that it has printed. */
  output(lines = 60) {
    return readFileSync(this.log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  async stop() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(late);
    process.removeListener("exit", this.atExit);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
