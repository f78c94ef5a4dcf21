// Messages on their way. Each has a nonce, and Discord makes one message of one nonce however often
// it is sent: so a lost answer is asked for again, and nothing is sent twice.

import { signal } from "@preact/signals";
import { RestError, type Rest } from "../discord/rest.ts";
import { nonce } from "../discord/snowflake.ts";
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

  /** A reload loses no words: what was on its way is offered again, under its old nonce. */
  private set(next: readonly Pending[]): void {
    this.pending.value = next;
    try {
      const words = next.filter((it) => it.content).map(({ nonce, channel, content }) => ({ nonce, channel, content }));
      sessionStorage.setItem(`${KEPT}:${this.user}`, JSON.stringify(words));
    } catch {
      // A browser that keeps nothing loses it with the page, as it says it would.
    }
  }

  private restored(): Pending[] {
    try {
      const kept: Pick<Pending, "nonce" | "channel" | "content">[] = JSON.parse(sessionStorage.getItem(`${KEPT}:${this.user}`) ?? "[]");
      return kept.map((one) => ({ ...one, files: [], state: "failed", error: "The page was left before it was sent." }));
    } catch {
      return [];
    }
  }
}
