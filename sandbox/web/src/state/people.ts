// Who is who where the person looks: people and roles belong to a server, and a name is a matter of it.

import { computed } from "@preact/signals";
import type { Channel, Member, Role, Snowflake, User } from "../discord/types.ts";
import { server } from "./place.ts";
import { guilds, isPrivate, rosters } from "./world.ts";

/** Everybody with whom the person shares a server. */
export const everybody = computed<ReadonlyMap<Snowflake, Member>>(() => new Map([...rosters.value.values()].reverse().flatMap((roster) => [...roster])));

/** The members of the server that is shown; among private chats, everybody. */
export const members = computed<ReadonlyMap<Snowflake, Member>>(() => (server.value ? (rosters.value.get(server.value.id) ?? new Map()) : everybody.value));

/** The roles of the server that is shown; among private chats, those of all. */
export const roles = computed<ReadonlyMap<Snowflake, Role>>(() => {
  const shown = server.value ? [server.value] : [...guilds.value.values()];
  return new Map(shown.flatMap((guild) => guild.roles.map((role) => [role.id, role])));
});

/** The name a person is shown under. */
export function nameOf(user: User): string {
  return members.value.get(user.id)?.nick || user.global_name || user.username;
}

export function titleOf(channel: Channel): string {
  if (isPrivate(channel)) return channel.recipients?.map(nameOf).join(", ") || "Private chat";
  return channel.name ?? "";
}
