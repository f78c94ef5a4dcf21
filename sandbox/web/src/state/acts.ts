// Presses, choices, commands and forms: what was asked of an app, and what came of it.

import { signal } from "@preact/signals";
import type { Gateway } from "../discord/gateway.ts";
import { RestError, type Rest } from "../discord/rest.ts";
import { nonce } from "../discord/snowflake.ts";
import type { Choice, Command, Message, Modal, Snowflake } from "../discord/types.ts";

/** Interaction types (Receiving and Responding, "Interaction Type"). */
export const InteractionType = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;

/** Discord gives an app 3 s; the answer that none came should be here soon after. In milliseconds. */
const PATIENCE = 6_000;

/** How long the list of commands is used again, in milliseconds. */
const KEPT_MS = 30_000;

/** `GET /channels/{id}/application-command-index`. */
interface Index {
  applications: { id: Snowflake; bot?: { id: Snowflake } }[];
  application_commands: Command[];
}

/** "Invalid form body" (JSON Error Codes). */
const FORM_ERROR = 50035;

export interface Act {
  nonce: Snowflake;
  channel: Snowflake;
  /** The message with the component. */
  message?: Snowflake;
  /** The component, or the command's name. */
  what: string;
  state: "waiting" | "failed";
  error?: string;
}

export interface Asked {
  type: number;
  application: Snowflake;
  channel: Snowflake;
  guild?: Snowflake;
  message?: { id: Snowflake; flags: number };
  what: string;
  data: unknown;
  files?: File[];
}

/** Why Discord did not take an interaction, in words. */
function reason(asked: Asked, error: unknown): string {
  if (!(error instanceof RestError)) return "This interaction failed";
  const gone = asked.type === InteractionType.component && error.code === FORM_ERROR;
  return gone ? "This is not there any more: somebody was faster, or it has changed." : error.message;
}

export class Acts {
  /** What waits, and what failed and was not dismissed. */
  readonly all = signal<readonly Act[]>([]);
  /** The form that is open. */
  readonly modal = signal<{ form: Modal; message?: { id: Snowflake; flags: number }; guild?: Snowflake } | null>(null);
  private readonly asked = new Map<Snowflake, Asked>();
  private readonly choosing = new Map<Snowflake, (choices: Choice[]) => void>();
  private readonly indexes = new Map<Snowflake, Promise<Index>>();

  constructor(
    private readonly rest: Rest,
    private readonly gateway: Gateway,
  ) {}

  /** Sends an interaction. Resolves to whether Discord took it; what the app does is told by events. */
  async send(asked: Asked): Promise<boolean> {
    const act: Act = { nonce: nonce(), channel: asked.channel, message: asked.message?.id, what: asked.what, state: "waiting" };
    const same = (it: Act) => it.message === act.message && it.what === act.what && it.channel === act.channel;
    this.all.value = [...this.all.value.filter((it) => !same(it)), act];
    this.asked.set(act.nonce, asked);
    setTimeout(() => this.fail(act.nonce, "This interaction failed"), PATIENCE);
    try {
      await this.post(asked, act.nonce);
      return true;
    } catch (error) {
      this.fail(act.nonce, reason(asked, error));
      return false;
    }
  }

  /** The choices that an app offers for what is typed. */
  choices(asked: Asked): Promise<Choice[]> {
    const id = nonce();
    return new Promise((done) => {
      this.choosing.set(id, done);
      const none = () => this.choose(id, []);
      setTimeout(none, PATIENCE);
      this.post(asked, id).catch(none);
    });
  }

  /** The commands that can be used in a channel. */
  async commands(channel: Snowflake): Promise<Command[]> {
    return (await this.index(channel)).application_commands;
  }

  /** The application whose message this is: a bot's id and its application's may differ. */
  async application(message: Message): Promise<Snowflake> {
    if (message.application_id) return message.application_id;
    const { applications } = await this.index(message.channel_id);
    return applications.find((it) => it.bot?.id === message.author.id)?.id ?? message.author.id;
  }

  private index(channel: Snowflake): Promise<Index> {
    const known = this.indexes.get(channel);
    if (known) return known;
    const forget = () => this.indexes.delete(channel);
    const asked = this.rest.get<Index>(`/channels/${channel}/application-command-index`).catch(() => {
      forget();
      return { applications: [], application_commands: [] };
    });
    this.indexes.set(channel, asked);
    // A server without commands is one that an app has just come into.
    void asked.then((index) => index.application_commands.length || forget());
    // Apps register their commands when they start: the list is not kept for long.
    setTimeout(forget, KEPT_MS);
    return asked;
  }

  waits(message: Snowflake | undefined, what: string): boolean {
    return this.all.value.some((it) => it.state === "waiting" && it.message === message && it.what === what);
  }

  dismiss(act: Act): void {
    this.end(act.nonce);
  }

  /** Takes an event of the gateway. */
  heard(name: string, data: any): void {
    switch (name) {
      case "INTERACTION_SUCCESS":
        this.end(data.nonce);
        break;
      case "INTERACTION_FAILURE":
        this.fail(data.nonce, data.message ?? "This interaction failed");
        break;
      case "INTERACTION_MODAL_CREATE": {
        const asked = this.asked.get(data.nonce);
        this.end(data.nonce);
        if (asked) this.modal.value = { form: data, message: asked.message, guild: asked.guild };
        break;
      }
      case "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE":
        this.choose(data.nonce, data.choices ?? []);
        break;
    }
  }

  private post(asked: Asked, id: Snowflake): Promise<void> {
    const body = {
      type: asked.type,
      application_id: asked.application,
      channel_id: asked.channel,
      guild_id: asked.guild,
      session_id: this.gateway.session,
      nonce: id,
      message_id: asked.message?.id,
      message_flags: asked.message?.flags,
      data: asked.data,
    };
    return this.rest.call({ method: "POST", path: "/interactions", body, files: asked.files });
  }

  private choose(id: Snowflake, choices: Choice[]): void {
    this.choosing.get(id)?.(choices);
    this.choosing.delete(id);
  }

  private end(id: Snowflake): void {
    this.asked.delete(id);
    this.all.value = this.all.value.filter((it) => it.nonce !== id);
  }

  private fail(id: Snowflake, error: string): void {
    this.asked.delete(id);
    this.all.value = this.all.value.map((it) => (it.nonce === id && it.state === "waiting" ? { ...it, state: "failed", error } : it));
  }
}
