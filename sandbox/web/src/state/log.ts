// The messages of a channel that the page holds: a window onto the history, never all of it.

import { batch, signal } from "@preact/signals";
import type { Rest } from "../discord/rest.ts";
import { compare } from "../discord/snowflake.ts";
import { MessageFlag, type Message, type PartialEmoji, type Reaction, type Snowflake } from "../discord/types.ts";

/** Messages that are asked for at once (Discord's default). */
const PAGE = 50;

/** Messages that are held at most, as in Discord's own client about: what is further away is asked for again. */
export const WINDOW = 150;

export type Load = "idle" | "loading" | "failed";

export class Log {
  readonly items = signal<readonly Message[]>([]);
  /** Whether there is more above, and below. */
  readonly more = { before: signal(false), after: signal(false) };
  readonly load = signal<Load>("idle");
  readonly known = signal(false);
  private stale = false;
  private asking = Promise.resolve();
  /** Written while the newest messages were asked for: the answer may be older. */
  private meanwhile: Message[] = [];

  constructor(
    readonly channel: Snowflake,
    private readonly rest: Rest,
  ) {}

  /** Asks for the newest messages, unless they are there. */
  async open(): Promise<void> {
    if (!this.known.value || this.stale) await this.present();
  }

  /** What is held may have holes: the gateway's session was lost. */
  doubt(): void {
    this.stale = true;
  }

  /** Shows the newest messages. */
  async present(): Promise<void> {
    await this.asked(() => this.fresh(`limit=${PAGE}`), (page) => {
      const kept = this.items.value;
      const first = page[0];
      const overlaps = first && !this.more.after.value && kept.some((one) => one.id === first.id);
      // Private answers are in no history.
      const private_ = kept.filter((one) => alone(one) && (!first || compare(one.id, first.id) > 0));
      const above = overlaps ? kept.filter((one) => compare(one.id, first.id) < 0) : [];
      this.items.value = ordered([...above, ...page, ...private_, ...this.meanwhile]);
      if (!overlaps) this.more.before.value = page.length === PAGE;
      this.more.after.value = false;
      this.known.value = true;
      this.stale = false;
    });
  }

  /** Shows the messages around one. */
  async around(id: Snowflake): Promise<void> {
    const there = () => this.items.value.some((one) => one.id === id);
    await this.asked(() => (there() ? null : `around=${id}&limit=${PAGE}`), (page) => {
      this.items.value = ordered(page);
      this.more.before.value = page.length > 0;
      this.more.after.value = page.length > 0;
      this.known.value = true;
    });
  }

  /** Shows older messages, and lets go of the newest if these are too many. */
  async older(): Promise<void> {
    if (!this.more.before.value || this.load.peek() === "loading") return;
    const first = () => this.items.value[0]?.id;
    await this.asked(() => first() && `before=${first()}&limit=${PAGE}`, (page) => {
      const all = ordered([...page, ...this.items.value]);
      this.more.before.value = page.length === PAGE;
      if (all.length > WINDOW) this.more.after.value = true;
      this.items.value = all.slice(0, WINDOW);
    });
  }

  /** Shows newer messages, and lets go of the oldest if these are too many. */
  async newer(): Promise<void> {
    if (!this.more.after.value || this.load.peek() === "loading") return;
    const last = () => this.items.value.at(-1)?.id;
    await this.asked(() => last() && this.fresh(`after=${last()}&limit=${PAGE}`), (page) => {
      const ends = page.length < PAGE;
      const all = ordered([...this.items.value, ...page, ...(ends ? this.meanwhile : [])]);
      this.more.after.value = !ends;
      if (all.length > WINDOW) this.more.before.value = true;
      this.items.value = all.slice(-WINDOW);
    });
  }

  /** One question at a time. What comes next asks from where the answer before it has led. */
  private async asked(query: () => string | null | undefined, take: (page: Message[]) => void): Promise<void> {
    const before = this.asking;
    this.load.value = "loading";
    const mine = before.then(() => this.ask(query(), take));
    this.asking = mine;
    await mine;
  }

  private async ask(query: string | null | undefined, take: (page: Message[]) => void): Promise<void> {
    if (!query) {
      this.load.value = "idle";
      return;
    }
    this.load.value = "loading";
    try {
      const page = await this.rest.get<Message[]>(`/channels/${this.channel}/messages?${query}`);
      batch(() => {
        take(page.reverse());
        this.load.value = "idle";
      });
    } catch {
      this.load.value = "failed";
    }
  }

  /** A question whose answer leads to the present. */
  private fresh(query: string): string {
    this.meanwhile = [];
    return query;
  }

  /** Takes a message that was written just now. */
  add(message: Message): void {
    if (this.load.peek() === "loading") this.meanwhile = [...this.meanwhile, message].slice(-WINDOW);
    if (!this.known.value || this.more.after.value) return;
    const rest = this.items.value.filter((one) => one.id !== message.id);
    const all = ordered([...rest, message]);
    if (all.length > WINDOW) this.more.before.value = true;
    this.items.value = all.slice(-WINDOW);
  }

  change(message: Partial<Message> & { id: Snowflake }): void {
    this.each(message.id, (one) => ({
      ...one,
      ...message,
      // Events do not know which reactions are ours; events of reactions do.
      reactions: one.reactions,
      member: message.member ?? one.member,
    }));
  }

  remove(ids: readonly Snowflake[]): void {
    const gone = new Set(ids);
    this.meanwhile = this.meanwhile.filter((one) => !gone.has(one.id));
    this.items.value = this.items.value.filter((one) => !gone.has(one.id));
  }

  react(id: Snowflake, emoji: PartialEmoji, by: number, mine: boolean): void {
    this.each(id, (one) => ({ ...one, reactions: counted(one.reactions ?? [], emoji, by, mine) }));
  }

  unreact(id: Snowflake, emoji: PartialEmoji | null): void {
    const others = (list: Reaction[]) => (emoji ? list.filter((it) => it.emoji.name !== emoji.name) : []);
    this.each(id, (one) => ({ ...one, reactions: others(one.reactions ?? []) }));
  }

  private each(id: Snowflake, change: (message: Message) => Message): void {
    const at = this.items.value.findIndex((one) => one.id === id);
    if (at < 0) return;
    const next = [...this.items.value];
    next[at] = change(next[at]!);
    this.items.value = next;
  }
}

export const alone = (message: Message): boolean => ((message.flags ?? 0) & MessageFlag.ephemeral) !== 0;

function ordered(messages: Message[]): Message[] {
  const unique = new Map(messages.map((message) => [message.id, message]));
  return [...unique.values()].sort((one, other) => compare(one.id, other.id));
}

function counted(list: Reaction[], emoji: PartialEmoji, by: number, mine: boolean): Reaction[] {
  const found = list.find((it) => it.emoji.name === emoji.name);
  if (!found) return by > 0 ? [...list, { emoji, count: 1, me: mine }] : list;
  const next = { ...found, count: found.count + by, me: mine ? by > 0 : found.me };
  return list.map((it) => (it === found ? next : it)).filter((it) => it.count > 0);
}
