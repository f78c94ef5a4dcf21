// Messages on their way. Each has a nonce, and Discord makes one message of one nonce however often
// it is sent: so a lost answer is asked for again, and nothing is sent twice.

import { signal } from "@preact/signals";
import { RestError, type Rest } from "../discord/rest.ts";
import { nonce, timeOf } from "../discord/snowflake.ts";
import type { Message, Snowflake } from "../discord/types.ts";

export interface Pending {
  nonce: Snowflake;
  channel: Snowflake;
  content: string;
  files: File[];
  reply?: Message;
  state: "sending" | "failed";
  /** Why it failed, in words. */
  error?: string;
}

export interface Draft {
  content: string;
  files?: File[];
  reply?: Message;
}

const KEPT = "outbox";

/** How long Discord surely remembers a nonce, in milliseconds ("past few minutes", Create Message). */
const FRESH_MS = 60_000;

/** What a reload leaves of a message: how many files it had, and not what was in them. */
type Kept = Omit<Pending, "files"> & { files: number };

export class Outbox {
  readonly pending = signal<readonly Pending[]>([]);
  /** One message of a channel after the other, so that they arrive in order. */
  private readonly queues = new Map<Snowflake, Promise<void>>();

  constructor(
    private readonly rest: Rest,
    private readonly user: Snowflake,
    private readonly sent: (message: Message) => void,
  ) {
    this.pending.value = this.restored();
    for (const one of this.pending.value) if (one.state === "sending") this.enqueue(one);
  }

  send(channel: Snowflake, draft: Draft): void {
    const one: Pending = { nonce: nonce(), channel, files: [], ...draft, state: "sending" };
    this.set([...this.pending.value, one]);
    this.enqueue(one);
  }

  retry(one: Pending): void {
    const again: Pending = { ...one, state: "sending", error: undefined };
    this.replace(again);
    this.enqueue(again);
  }

  discard(one: Pending): void {
    this.set(this.pending.value.filter((it) => it.nonce !== one.nonce));
  }

  /** The gateway has shown the message: it is there, whatever became of the answer. */
  arrived(message: Message): void {
    if (message.nonce === undefined || message.author.id !== this.user) return;
    const known = this.pending.value.some((it) => it.nonce === String(message.nonce));
    if (known) this.set(this.pending.value.filter((it) => it.nonce !== String(message.nonce)));
  }

  private enqueue(one: Pending): void {
    const before = this.queues.get(one.channel) ?? Promise.resolve();
    this.queues.set(one.channel, before.then(() => this.deliver(one)));
  }

  private async deliver(one: Pending): Promise<void> {
    const body: Record<string, unknown> = { content: one.content, nonce: one.nonce, enforce_nonce: true };
    if (one.reply) body.message_reference = { message_id: one.reply.id, channel_id: one.channel };
    if (one.files.length) body.attachments = one.files.map((file, id) => ({ id: String(id), filename: file.name }));
    try {
      const path = `/channels/${one.channel}/messages`;
      const message = await this.rest.call<Message>({ method: "POST", path, body, files: one.files, repeatable: true });
      this.discard(one);
      this.sent(message);
    } catch (error) {
      // It may have arrived meanwhile, by the gateway.
      if (!this.pending.value.some((it) => it.nonce === one.nonce)) return;
      const words = error instanceof RestError ? error.message : "It could not be sent.";
      this.replace({ ...one, state: "failed", error: words });
    }
  }

  private replace(one: Pending): void {
    this.set(this.pending.value.map((it) => (it.nonce === one.nonce ? one : it)));
  }

  /** A reload loses no words: what was on its way goes on, under its old nonce. */
  private set(next: readonly Pending[]): void {
    this.pending.value = next;
    try {
      const kept = next.filter((it) => it.content).map(({ files, ...one }): Kept => ({ ...one, files: files.length }));
      sessionStorage.setItem(`${KEPT}:${this.user}`, JSON.stringify(kept));
    } catch {
      // A browser that keeps nothing loses it with the page, as it says it would.
    }
  }

  private restored(): Pending[] {
    try {
      const kept: Kept[] = JSON.parse(sessionStorage.getItem(`${KEPT}:${this.user}`) ?? "[]");
      return kept.map(({ files, ...one }): Pending => {
        const fresh = Date.now() - timeOf(one.nonce) < FRESH_MS;
        if (one.state === "sending" && fresh && !files) return { ...one, files: [] };
        const error = one.error ?? (files ? "The page was left, and its files are gone." : "The page was left before it was sent.");
        return { ...one, files: [], state: "failed", error };
      });
    } catch {
      return [];
    }
  }
}
