// What the person sees of Discord, kept true by the gateway: servers, channels, people.

import { signal } from "@preact/signals";
import { compare } from "../discord/snowflake.ts";
import { ChannelType, type Channel, type Guild, type Member, type Presence, type Role, type Snowflake, type User } from "../discord/types.ts";

export const me = signal<User | null>(null);
export const guilds = signal<ReadonlyMap<Snowflake, Guild>>(new Map());
/** Channels, threads and private channels, of all servers. */
export const channels = signal<ReadonlyMap<Snowflake, Channel>>(new Map());
/** Server → who is in it. */
export const rosters = signal<ReadonlyMap<Snowflake, ReadonlyMap<Snowflake, Member>>>(new Map());
export const presences = signal<ReadonlyMap<Snowflake, Presence>>(new Map());
/** Channel → who types there, and until when (milliseconds since 1970). */
export const typing = signal<ReadonlyMap<Snowflake, ReadonlyMap<string, number>>>(new Map());

/** How long "… is typing" stands, as in Discord's client. */
const TYPING_MS = 10_000;

export const isThread = (channel: Channel): boolean => channel.type >= 10 && channel.type <= 12;
export const isPrivate = (channel: Channel): boolean => channel.type === ChannelType.dm || channel.type === 3;
export const isForum = (channel: Channel): boolean => channel.type === ChannelType.forum;

export function statusOf(user: Snowflake): string {
  return presences.value.get(user)?.status ?? "offline";
}

/** The threads of a channel, the latest first. */
export function threadsOf(parent: Snowflake): Channel[] {
  const newest = (thread: Channel) => thread.last_message_id ?? thread.id;
  return [...channels.value.values()]
    .filter((channel) => isThread(channel) && channel.parent_id === parent)
    .sort((one, other) => compare(newest(other), newest(one)));
}

/** Forgets everything: another person looks. */
export function clearWorld(): void {
  me.value = null;
  for (const map of [guilds, channels, rosters, presences, typing]) map.value = new Map();
}

function put<T>(map: { value: ReadonlyMap<string, T> }, entries: [string, T][]): void {
  if (entries.length) map.value = new Map([...map.value, ...entries]);
}

function drop<T>(map: { value: ReadonlyMap<string, T> }, gone: (key: string, value: T) => boolean): void {
  map.value = new Map([...map.value].filter(([key, value]) => !gone(key, value)));
}

/** Learns channels that came with an answer. */
export function learn(found: Channel[]): void {
  put(channels, found.map((channel) => [channel.id, { ...channels.value.get(channel.id), ...channel }]));
}

function enter(guild: Guild): void {
  put(guilds, [[guild.id, guild]]);
  const threads = guild.threads.map((thread) => [thread.id, thread] as [string, Channel]);
  put(channels, [...guild.channels.map((channel) => [channel.id, { ...channel, guild_id: guild.id }] as [string, Channel]), ...threads]);
  const people = guild.members.flatMap((member) => (member.user ? [[member.user.id, member] as [string, Member]] : []));
  put(rosters, [[guild.id, new Map(people)]]);
  put(presences, (guild.presences ?? []).map((presence) => [presence.user.id, presence]));
}

function leave(guild: Snowflake): void {
  drop(guilds, (id) => id === guild);
  drop(rosters, (id) => id === guild);
  drop(channels, (_, channel) => channel.guild_id === guild);
}

/** Takes an event of the gateway. */
export function heardWorld(name: string, data: any): void {
  switch (name) {
    case "READY":
      for (const map of [guilds, channels, rosters, presences]) map.value = new Map();
      me.value = data.user;
      for (const guild of data.guilds) enter(guild);
      put(channels, data.private_channels.map((channel: Channel) => [channel.id, channel]));
      break;
    case "GUILD_CREATE":
      enter(data);
      break;
    case "GUILD_UPDATE":
      if (guilds.value.has(data.id)) put(guilds, [[data.id, { ...guilds.value.get(data.id), ...data }]]);
      break;
    case "GUILD_DELETE":
      // One that is away for a while is not left.
      if (!data.unavailable) leave(data.id);
      break;
    case "GUILD_MEMBER_ADD":
    case "GUILD_MEMBER_UPDATE":
      changeRoster(data.guild_id, (roster) => roster.set(data.user.id, data));
      break;
    case "GUILD_MEMBER_REMOVE":
      changeRoster(data.guild_id, (roster) => roster.delete(data.user.id));
      break;
    case "GUILD_ROLE_CREATE":
    case "GUILD_ROLE_UPDATE":
      changeRoles(data.guild_id, (roles) => [...roles.filter((role) => role.id !== data.role.id), data.role]);
      break;
    case "GUILD_ROLE_DELETE":
      changeRoles(data.guild_id, (roles) => roles.filter((role) => role.id !== data.role_id));
      break;
    case "PRESENCE_UPDATE":
      put(presences, [[data.user.id, data]]);
      break;
    case "CHANNEL_CREATE":
    case "CHANNEL_UPDATE":
    case "THREAD_CREATE":
    case "THREAD_UPDATE":
      learn([data]);
      break;
    case "THREAD_LIST_SYNC":
      learn(data.threads);
      break;
    case "THREAD_MEMBERS_UPDATE":
      if (data.removed_member_ids?.includes(me.value?.id)) dropPrivateThread(data.id);
      break;
    case "CHANNEL_DELETE":
    case "THREAD_DELETE":
      drop(channels, (id, channel) => id === data.id || (isThread(channel) && channel.parent_id === data.id));
      break;
    case "MESSAGE_CREATE":
      written(data);
      break;
    case "TYPING_START":
      noteTyping(data.channel_id, data.user_id, Date.now() + TYPING_MS);
      break;
  }
}

/** Who leaves a private thread does not see it any more; a public one stays in sight. */
function dropPrivateThread(gone: Snowflake): void {
  drop(channels, (id, channel) => id === gone && channel.type === ChannelType.privateThread);
}

function changeRoles(guild: Snowflake, change: (roles: Role[]) => Role[]): void {
  const found = guilds.value.get(guild);
  if (found) put(guilds, [[guild, { ...found, roles: change(found.roles) }]]);
}

function changeRoster(guild: Snowflake, change: (roster: Map<Snowflake, Member>) => void): void {
  const roster = new Map(rosters.value.get(guild));
  change(roster);
  if (guilds.value.has(guild)) put(rosters, [[guild, roster]]);
}

function written(message: { id: Snowflake; channel_id: Snowflake; author: User; flags?: number }): void {
  const channel = channels.value.get(message.channel_id);
  const shared = !((message.flags ?? 0) & 64);
  if (channel && shared && compare(message.id, channel.last_message_id ?? "0") > 0) {
    const count = isThread(channel) ? (channel.message_count ?? 0) + 1 : undefined;
    learn([{ ...channel, last_message_id: message.id, message_count: count }]);
  }
  noteTyping(message.channel_id, message.author.id, 0);
}

function noteTyping(channel: Snowflake, user: Snowflake, until: number): void {
  const now = typing.value.get(channel);
  if (!until && !now?.has(user)) return;
  const next = new Map(now);
  if (until) next.set(user, until);
  else next.delete(user);
  put(typing, [[channel, next]]);
}
