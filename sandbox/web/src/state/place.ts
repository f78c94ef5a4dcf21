// Where the person looks, as an address of Discord's form: /channels/{server | @me}/{channel}[/{message}].

import { computed, signal } from "@preact/signals";
import { ChannelType, type Channel, type Snowflake } from "../discord/types.ts";
import { channels, guilds, isForum, isPrivate, me } from "./world.ts";
import { maySend, may, Permission } from "./permissions.ts";

export interface Place {
  /** A server, or "@me" for private chats. */
  guild: string;
  channel: Snowflake;
  message?: Snowflake;
}

/** Which column a phone shows. */
export type Panel = "channels" | "chat";

export const place = signal<Place>(parse(location.pathname));
export const panel = signal<Panel>("chat");

function parse(path: string): Place {
  const [, root, guild = "", channel = "", message] = path.split("/");
  return root === "channels" ? { guild, channel, message } : { guild: "", channel: "" };
}

export const pathTo = (channel: Channel, message?: Snowflake): string =>
  `/channels/${isPrivate(channel) ? "@me" : channel.guild_id}/${channel.id}${message ? `/${message}` : ""}`;

export function go(channel: Channel, message?: Snowflake): void {
  const path = pathTo(channel, message);
  if (path !== location.pathname) history.pushState(null, "", path);
  place.value = parse(path);
  panel.value = "chat";
}

/** Opens what a link within the page names; false if the person cannot see it. */
export function follow(path: string): boolean {
  const there = parse(path);
  const channel = channels.value.get(there.channel);
  if (!channel) return false;
  go(channel, there.message);
  return true;
}

addEventListener("popstate", () => {
  place.value = parse(location.pathname);
});

/** The channel that is looked at. */
export const here = computed<Channel | undefined>(() => channels.value.get(place.value.channel));

/** Goes to the first channel in which something was said, unless the address names one. */
export function settle(): void {
  if (place.value.channel || !me.value) return;
  const all = [...channels.value.values()];
  const above = (channel: Channel) => channels.value.get(channel.parent_id ?? "")?.position ?? -1;
  const visible = all
    .filter((it) => (it.type === ChannelType.text || isForum(it)) && may(it, Permission.view))
    .sort((one, other) => above(one) - above(other) || (one.position ?? 0) - (other.position ?? 0));
  const first = visible.find((it) => maySend(it) && it.last_message_id) ?? visible.find(maySend) ?? visible[0];
  if (!first) return;
  history.replaceState(null, "", pathTo(first));
  place.value = parse(location.pathname);
}

export const home = computed(() => guilds.value.get(here.value?.guild_id ?? "") ?? [...guilds.value.values()][0]);
