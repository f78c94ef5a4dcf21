// One person's session: the wires to Discord, and everything that hangs on them.

import { batch, signal } from "@preact/signals";
import { Gateway } from "../discord/gateway.ts";
import { login, Rest, RestError } from "../discord/rest.ts";
import type { Message, Snowflake } from "../discord/types.ts";
import { Acts } from "./acts.ts";
import { Log } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { inSight, left, place, settle } from "./place.ts";
import { loadReading, notePing } from "./reading.ts";
import { people, secret, type Person } from "./sandbox.ts";
import { clearWorld, heardWorld, learn, me } from "./world.ts";

export class Session {
  readonly rest: Rest;
  readonly gateway: Gateway;
  readonly acts: Acts;
  readonly outbox: Outbox;
  private readonly logs = new Map<Snowflake, Log>();
  private welcomed = false;

  constructor(
    readonly person: Person,
    token: string,
  ) {
    this.rest = new Rest(token);
    this.gateway = new Gateway(token, (name, data) => batch(() => this.heard(name, data)));
    this.acts = new Acts(this.rest, this.gateway);
    this.outbox = new Outbox(this.rest, person.id, (message) => this.log(message.channel_id).add(message));
  }

  /** The messages of a channel. */
  log(channel: Snowflake): Log {
    let log = this.logs.get(channel);
    if (!log) {
      log = new Log(channel, this.rest);
      this.logs.set(channel, log);
    }
    return log;
  }

  close(): void {
    this.gateway.close();
  }

  private heard(name: string, data: any): void {
    heardWorld(name, data);
    this.acts.heard(name, data);
    switch (name) {
      case "READY":
        this.ready();
        break;
      case "GUILD_CREATE":
      case "CHANNEL_CREATE":
        settle();
        break;
      case "GUILD_DELETE":
        if (!data.unavailable) left(data.id);
        break;
      case "LOGGED_OUT":
        signOut("Discord has ended the session. Sign in again.");
        break;
      case "MESSAGE_CREATE":
        this.written(data);
        break;
      case "MESSAGE_UPDATE":
        this.log(data.channel_id).change(data);
        break;
      case "MESSAGE_DELETE":
        this.log(data.channel_id).remove([data.id]);
        break;
      case "MESSAGE_DELETE_BULK":
        this.log(data.channel_id).remove(data.ids);
        break;
      case "MESSAGE_REACTION_ADD":
        this.log(data.channel_id).react(data.message_id, data.emoji, 1, data.user_id === me.value?.id);
        break;
      case "MESSAGE_REACTION_REMOVE":
        this.log(data.channel_id).react(data.message_id, data.emoji, -1, data.user_id === me.value?.id);
        break;
      case "MESSAGE_REACTION_REMOVE_ALL":
        this.log(data.channel_id).unreact(data.message_id, null);
        break;
      case "MESSAGE_REACTION_REMOVE_EMOJI":
        this.log(data.channel_id).unreact(data.message_id, data.emoji);
        break;
    }
  }

  private ready(): void {
    loadReading();
    settle();
    // A new session may have missed events; the first one has missed none.
    if (this.welcomed) for (const log of this.logs.values()) log.doubt();
    this.welcomed = true;
    const open = place.value.channel;
    if (open && this.logs.has(open)) void this.log(open).open();
  }

  private written(message: Message): void {
    this.outbox.arrived(message);
    this.log(message.channel_id).add(message);
    if (message.thread) learn([message.thread]);
    if (message.channel_id !== place.value.channel || document.hidden || !inSight()) notePing(message);
  }
}

export const session = signal<Session | null>(null);
/** Why nobody is signed in. */
export const trouble = signal("");

const LAST = "person";

/** Looks as this person. */
export async function signIn(person: Person): Promise<void> {
  const token = await login(person.name, secret());
  sessionStorage.setItem(LAST, person.name);
  batch(() => {
    session.value?.close();
    clearWorld();
    trouble.value = "";
    session.value = new Session(person, token);
  });
}

function signOut(reason: string): void {
  session.value?.close();
  session.value = null;
  clearWorld();
  trouble.value = reason;
}

/** Looks as whoever looked last in this tab, else as the operator: two tabs may be two people. */
export async function begin(): Promise<void> {
  try {
    const known = await people();
    const last = sessionStorage.getItem(LAST);
    const person = known.find((it) => it.name === last) ?? known.find((it) => it.operator) ?? known[0];
    if (person) await signIn(person);
    else signOut("Nobody is here.");
  } catch (error) {
    signOut(error instanceof RestError ? error.message : "The sandbox does not answer.");
  }
}
