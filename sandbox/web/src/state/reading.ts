// What has been read. It lives in the browser, one record per person.

import { computed, signal } from "@preact/signals";
import { compare } from "../discord/snowflake.ts";
import type { Channel, Message, Snowflake } from "../discord/types.ts";
import { channelsOf, here } from "./place.ts";
import { channels, isPrivate, isThread, me } from "./world.ts";

interface Mark {
  /** The last message that was read. */
  last: Snowflake;
  /** Messages since then that are for this person. */
  pings: number;
}

const marks = signal<Readonly<Record<Snowflake, Mark>>>({});

const key = (): string => `read:${me.value?.id ?? ""}`;

export function loadReading(): void {
  try {
    marks.value = JSON.parse(localStorage.getItem(key()) ?? "{}");
  } catch {
    marks.value = {};
  }
}

function keep(id: Snowflake, mark: Mark): void {
  marks.value = { ...marks.value, [id]: mark };
  try {
    localStorage.setItem(key(), JSON.stringify(marks.value));
  } catch {
    // A browser that keeps nothing shows marks until it is closed.
  }
}

export function pingsOf(channel: Snowflake): number {
  return marks.value[channel]?.pings ?? 0;
}

/** Messages for this person in a server; without one, in private chats. */
export function pingsIn(guild?: Snowflake): number {
  const inside = [...channels.value.values()].filter((it) => (guild ? it.guild_id === guild : isPrivate(it)));
  return inside.reduce((sum, it) => sum + pingsOf(it.id), 0);
}

/** Whether something was said in a server that the person has not read. */
export function hasNews(guild: Snowflake): boolean {
  return channelsOf(guild).some((it) => it.id !== here.value?.id && isUnread(it));
}

export function isUnread(channel: Channel): boolean {
  const last = channel.last_message_id;
  if (!last) return false;
  const mark = marks.value[channel.id];
  // Threads that were never opened are no news by themselves: their channel is.
  if (!mark) return !isThread(channel);
  return compare(last, mark.last) > 0;
}

export const allPings = computed(() =>
  Object.entries(marks.value).reduce((sum, [id, mark]) => sum + (channels.value.has(id) ? mark.pings : 0), 0),
);

/** Everything up to this message has been seen. */
export function markRead(channel: Snowflake, message: Snowflake | null | undefined): void {
  const mark = marks.value[channel];
  const last = message ?? mark?.last;
  if (last && (mark?.last !== last || mark.pings > 0)) keep(channel, { last, pings: 0 });
}

/** A message came while its channel was not looked at. */
export function notePing(message: Message): void {
  const user = me.value;
  const channel = channels.value.get(message.channel_id);
  if (!user || !channel || message.author.id === user.id) return;
  const named = message.mention_everyone || message.mentions?.some((it) => it.id === user.id);
  if (!named && !isPrivate(channel)) return;
  const mark = marks.value[channel.id] ?? { last: "0", pings: 0 };
  keep(channel.id, { ...mark, pings: mark.pings + 1 });
}

export function lastRead(channel: Snowflake): Snowflake | undefined {
  return marks.value[channel]?.last;
}
