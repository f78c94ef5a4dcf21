// A server of one's own, with the bridge's bot in it: what a person does in Discord's client and on the
// page of the bot's invitation.

import { effect } from "@preact/signals";
import { RestError, type Rest } from "../discord/rest.ts";
import type { Command, Snowflake } from "../discord/types.ts";
import { goServer } from "./place.ts";
import { guilds } from "./world.ts";

/** Characters of a server's name, at least and at most (Guild Resource, "Guild Object"). */
export const NAME = { least: 2, most: 100 };

/** The command by which the bridge's bot is known. */
const ITS_COMMAND = "setup";

/** What the bridge asks to be allowed, by bit (the invitation that it prints). */
const ASKED = [4n, 6n, 10n, 11n, 13n, 14n, 15n, 16n, 29n, 34n, 35n, 38n, 51n];

/** The bridge's application, as the servers know it that have it already. */
async function bridge(rest: Rest): Promise<Snowflake> {
  for (const guild of guilds.value.keys()) {
    const { application_commands: all } = await rest.get<{ application_commands: Command[] }>(`/guilds/${guild}/application-command-index`);
    const own = all.find((it) => it.name === ITS_COMMAND);
    if (own) return own.application_id;
  }
  throw new RestError(0, 0, "Mission Control has told no server its commands yet. Is the bridge running?");
}

/** Resolves once the gateway has shown a server. */
function shown(guild: Snowflake): Promise<void> {
  return new Promise((done) => {
    const stop = effect(() => {
      if (!guilds.value.has(guild)) return;
      done();
      queueMicrotask(() => stop());
    });
  });
}

/** Makes a server, or goes on with one that was made; invites the bridge's bot, and shows the server. */
export class Founding {
  private made: Snowflake | undefined;

  constructor(private readonly rest: Rest) {}

  async found(name: string): Promise<void> {
    const application = await bridge(this.rest);
    this.made ??= (await this.rest.call<{ id: Snowflake }>({ method: "POST", path: "/guilds", body: { name } })).id;
    const permissions = String(ASKED.reduce((all, bit) => all | (1n << bit), 0n));
    await this.rest.call({
      method: "POST",
      path: `/oauth2/authorize?client_id=${application}&scope=bot+applications.commands`,
      body: { guild_id: this.made, permissions, authorize: true },
      repeatable: true,
    });
    await shown(this.made);
    goServer(this.made);
  }
}
