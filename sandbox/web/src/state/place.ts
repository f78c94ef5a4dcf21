// Where the person looks, as an address of Discord's form: /channels/{server | @me}/{channel}[/{message}].

import { computed, effect, signal } from "@preact/signals";
import { ChannelType, type Channel, type Guild, type Snowflake } from "../discord/types.ts";
import { onMove, over, rename, visit } from "./history.ts";
import { channels, guilds, isForum, isPrivate, me } from "./world.ts";
import { maySend, may, Permission } from "./permissions.ts";

export interface Place {
  /** A server, or "@me" for private chats. */
  guild: string;
  channel: Snowflake;
  message?: Snowflake;
}

/** The word in an address for private chats. */
export const PRIVATE = "@me";

/** Which column a phone shows. */
export type Panel = "channels" | "chat";

export const place = signal<Place>(parse(location.pathname));
export const panel = signal<Panel>("chat");
/** Screens that have room for both columns. */
const wide = matchMedia("(min-width: 701px)");

/** Whether the person sees the chat: a phone may show the channels instead. */
export const inSight = (): boolean => panel.value === "chat" || wide.matches;

/** Whether there is room for one column only: another one stands above the chat. */
export const isNarrow = (): boolean => !wide.matches;

/** Whether the list shows private chats, whatever the chat shows. */
const amongPrivate = signal(false);

function parse(path: string): Place {
  const [, root, guild = "", channel = "", message] = path.split("/");
  return root === "channels" ? { guild, channel, message } : { guild: "", channel: "" };
}

export const pathTo = (channel: Channel, message?: Snowflake): string =>
  `/channels/${isPrivate(channel) ? PRIVATE : channel.guild_id}/${channel.id}${message ? `/${message}` : ""}`;

function open(path: string): void {
  visit(path);
  place.value = parse(path);
  amongPrivate.value = false;
}

export function go(channel: Channel, message?: Snowflake): void {
  panel.value = "chat";
  open(pathTo(channel, message));
}

/** Shows a server where it was left, else where it begins. A phone goes on showing its channels. */
export function goServer(guild: Snowflake): void {
  amongPrivate.value = false;
  if (here.value?.guild_id === guild) return;
  const channel = lastIn(guild) ?? firstIn(guild);
  open(channel ? pathTo(channel) : `/channels/${guild}`);
}

/** Lists the private chats; the chat stays where it is. */
export function listPrivate(): void {
  amongPrivate.value = true;
}

/** Opens what a link within the page names; false if the person cannot see it. */
export function follow(path: string): boolean {
  const there = parse(path);
  const channel = channels.value.get(there.channel);
  if (!channel) return false;
  go(channel, there.message);
  return true;
}

/** A phone's channels stand above the chat. */
effect(() => (panel.value === "channels" && isNarrow() ? over(() => (panel.value = "chat"), true) : undefined));

onMove(() => {
  place.value = parse(location.pathname);
  amongPrivate.value = false;
});

/** The channel that is looked at. */
export const here = computed<Channel | undefined>(() => channels.value.get(place.value.channel));

/** The server that is shown; none among private chats. */
export const server = computed<Guild | undefined>(() => {
  const channel = here.value;
  if (channel ? isPrivate(channel) : place.value.guild === PRIVATE) return undefined;
  return guilds.value.get(channel?.guild_id ?? place.value.guild) ?? [...guilds.value.values()][0];
});

/** Whose channels are listed: a server's, or "@me". */
export const listed = computed<string | undefined>(() => {
  if (amongPrivate.value) return PRIVATE;
  return server.value?.id ?? (here.value || place.value.guild === PRIVATE ? PRIVATE : undefined);
});

/** The channels of a server that the person may see, without threads and categories. */
export function channelsOf(guild: Snowflake): Channel[] {
  const listable = (it: Channel) => it.guild_id === guild && it.type !== ChannelType.category && (it.type < 10 || isForum(it));
  return [...channels.value.values()].filter((it) => listable(it) && may(it, Permission.view));
}

/** The first channel of a server in which something was said, else the first one. */
function firstIn(guild: Snowflake): Channel | undefined {
  const above = (channel: Channel) => channels.value.get(channel.parent_id ?? "")?.position ?? -1;
  const visible = channelsOf(guild)
    .filter((it) => it.type === ChannelType.text || isForum(it))
    .sort((one, other) => above(one) - above(other) || (one.position ?? 0) - (other.position ?? 0));
  return visible.find((it) => maySend(it) && it.last_message_id) ?? visible.find(maySend) ?? visible[0];
}

/** Where a person has looked last in a server, by this tab. */
const lastKey = (guild: Snowflake): string => `last:${me.value?.id}:${guild}`;

effect(() => {
  const channel = here.value;
  if (!me.value || !channel?.guild_id) return;
  try {
    sessionStorage.setItem(lastKey(channel.guild_id), channel.id);
  } catch {
    // A browser that keeps nothing begins where the server begins.
  }
});

function lastIn(guild: Snowflake): Channel | undefined {
  try {
    const channel = channels.value.get(sessionStorage.getItem(lastKey(guild)) ?? "");
    return channel?.guild_id === guild && may(channel, Permission.view) ? channel : undefined;
  } catch {
    return undefined;
  }
}

/** Goes to a channel of the server that is shown, unless the address names one. */
export function settle(): void {
  if (place.value.channel || !me.value) return;
  const guild = server.value ?? [...guilds.value.values()][0];
  const first = guild && firstIn(guild.id);
  if (!first) return;
  rename(pathTo(first));
  place.value = parse(location.pathname);
}

/** A server is gone: who looked at it looks at another one. */
export function left(guild: Snowflake): void {
  if (place.value.guild !== guild) return;
  place.value = { guild: "", channel: "" };
  settle();
}
