// What the person may do in a channel (Discord, "Permission Overwrites"). It only decides what is
// offered: Discord decides what happens.

import type { Channel, Snowflake } from "../discord/types.ts";
import { channels, guilds, isPrivate, isThread, me, rosters } from "./world.ts";

export const Permission = {
  addReactions: 1n << 6n,
  view: 1n << 10n,
  send: 1n << 11n,
  manageMessages: 1n << 13n,
  sendInThreads: 1n << 38n,
  pin: 1n << 51n,
} as const;

const ADMINISTRATOR = 1n << 3n;
const ALL = (1n << 60n) - 1n;

function permissionsIn(channel: Channel): bigint {
  const user = me.value;
  if (!user || isPrivate(channel)) return ALL;
  const place = isThread(channel) ? (channels.value.get(channel.parent_id ?? "") ?? channel) : channel;
  const guild = guilds.value.get(channel.guild_id ?? place.guild_id ?? "");
  if (!guild) return 0n;
  if (guild.owner_id === user.id) return ALL;
  const own = new Set<Snowflake>([guild.id, ...(rosters.value.get(guild.id)?.get(user.id)?.roles ?? [])]);
  let granted = 0n;
  for (const role of guild.roles) if (own.has(role.id)) granted |= BigInt(role.permissions);
  if (granted & ADMINISTRATOR) return ALL;
  const written = place.permission_overwrites ?? [];
  const groups = [
    written.filter((one) => one.id === guild.id),
    written.filter((one) => one.type === 0 && one.id !== guild.id && own.has(one.id)),
    written.filter((one) => one.type === 1 && one.id === user.id),
  ];
  for (const group of groups) {
    for (const one of group) granted &= ~BigInt(one.deny);
    for (const one of group) granted |= BigInt(one.allow);
  }
  return granted;
}

export function may(channel: Channel, permission: bigint): boolean {
  return (permissionsIn(channel) & permission) === permission;
}

export function maySend(channel: Channel): boolean {
  if (channel.thread_metadata?.locked && !may(channel, Permission.manageMessages)) return false;
  return may(channel, isThread(channel) ? Permission.sendInThreads : Permission.send);
}
