// The first column: servers, channels, and who one is.

import { useSignal } from "@preact/signals";
import { ChannelType, type Channel, type Guild } from "../discord/types.ts";
import { everybody, members, nameOf, titleOf } from "../state/people.ts";
import { channelsOf, go, here, listed, panel, pathTo } from "../state/place.ts";
import { allPings, isUnread, pingsOf } from "../state/reading.ts";
import type { Session } from "../state/session.ts";
import { channels, guilds, isForum, isPrivate, me, statusOf, threadsOf } from "../state/world.ts";
import { Avatar, Icon, IconButton, STATUS_WORDS } from "./bits.tsx";
import { PeopleSheet } from "./people.tsx";
import { Rail } from "./rail.tsx";

interface Props {
  session: Session;
  troubled: boolean;
  onTrouble: () => void;
  /** Asks for one more server, where the person may have one. */
  onNewServer?: () => void;
}

export function Sidebar({ session, onTrouble, onNewServer, troubled }: Props) {
  const people = useSignal(false);
  const guild = guilds.value.get(listed.value ?? "");
  const user = me.value;
  return (
    <div class="sidebar">
      <Rail onNew={onNewServer} />
      <div class="column">
        <header class="bar-top">
          <h2>{guild?.name ?? "Private chats"}</h2>
        </header>
        <nav class="list" aria-label="Channels" tabIndex={0}>
          {guild ? <GuildChannels guild={guild} /> : <PrivateChats session={session} />}
        </nav>
        {user && (
          <footer class="me">
            <button type="button" class="me-button" onClick={() => (people.value = true)}>
              <Avatar user={user} dot />
              <span>
                <span class="hidden">You are </span>
                <strong>{nameOf(user)}</strong>{" "}
                <span class="quiet">{session.person.operator ? "Operator" : "Member"}</span>
                <span class="hidden">. Look as someone else</span>
              </span>
            </button>
            <IconButton icon="bolt" label="Console for trouble" pressed={troubled} onClick={onTrouble} />
          </footer>
        )}
      </div>
      {people.value && <PeopleSheet current={session.person.name} onClose={() => (people.value = false)} />}
    </div>
  );
}

function GuildChannels({ guild }: { guild: Guild }) {
  const seen = channelsOf(guild.id);
  const categories = [...channels.value.values()].filter((it) => it.type === ChannelType.category && it.guild_id === guild.id).sort(byPosition);
  const below = (parent: string | null) => seen.filter((it) => (it.parent_id ?? null) === parent).sort(byPosition);
  return (
    <>
      <Group channels={below(null)} />
      {categories.map((category) => {
        const inside = below(category.id);
        return inside.length > 0 && <Group key={category.id} name={titleOf(category)} channels={inside} />;
      })}
    </>
  );
}

const byPosition = (one: Channel, other: Channel): number => (one.position ?? 0) - (other.position ?? 0);

function Group({ name, channels: inside }: { name?: string; channels: Channel[] }) {
  return (
    <section>
      {name && <h3>{name}</h3>}
      <ul>
        {inside.map((channel) => (
          <li key={channel.id}>
            <ChannelLink channel={channel} />
            <Threads of={channel} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Of a channel's threads, those that matter now: the open one, and those that call. */
function Threads({ of }: { of: Channel }) {
  const shown = threadsOf(of.id).filter((it) => it.id === here.value?.id || pingsOf(it.id) > 0);
  if (!shown.length) return null;
  return (
    <ul class="threads">
      {shown.map((thread) => (
        <li key={thread.id}>
          <ChannelLink channel={thread} />
        </li>
      ))}
    </ul>
  );
}

function ChannelLink({ channel }: { channel: Channel }) {
  const current = here.value?.id === channel.id;
  const pings = pingsOf(channel.id);
  const unread = !current && isUnread(channel);
  const title = titleOf(channel);
  const words = [title, pings ? `${pings} for you` : unread ? "unread" : ""].filter(Boolean).join(", ");
  const other = channel.recipients?.[0];
  return (
    <a
      href={pathTo(channel)}
      class={`channel${unread ? " unread" : ""}`}
      aria-label={words}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        go(channel);
      }}
    >
      {other ? <Avatar user={other} dot small /> : <Icon name={isForum(channel) ? "forum" : channel.type >= 10 ? "thread" : "hash"} />}
      <span class="channel-name">{title}</span>
      {pings > 0 && (
        <span class="ping" aria-hidden="true">
          {pings}
        </span>
      )}
    </a>
  );
}

function PrivateChats({ session }: { session: Session }) {
  const open = [...channels.value.values()].filter(isPrivate);
  const known = new Set(open.flatMap((it) => it.recipients?.map((user) => user.id) ?? []));
  const others = [...everybody.value.values()].flatMap(({ user }) => (user && user.id !== me.value?.id && !known.has(user.id) ? [user] : []));
  const begin = async (id: string) => {
    const channel = await session.rest.call<Channel>({ method: "POST", path: "/users/@me/channels", body: { recipients: [id] }, repeatable: true }).catch(() => null);
    if (!channel) return;
    channels.value = new Map([...channels.value, [channel.id, channel]]);
    go(channel);
  };
  return (
    <>
      <Group channels={open} />
      <section>
        <h3>Write to</h3>
        <ul>
          {others.map((user) => (
            <li key={user.id}>
              <button type="button" class="channel" onClick={() => void begin(user.id)}>
                <Avatar user={user} dot small />
                <span class="channel-name">{nameOf(user)}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

/** Who is here, beside the chat of a wide screen. */
export function MemberList() {
  const users = [...members.value.values()].flatMap(({ user }) => (user ? [user] : []));
  const online = users.filter((user) => statusOf(user.id) !== "offline");
  const away = users.filter((user) => statusOf(user.id) === "offline");
  const group = (name: string, list: typeof users) =>
    list.length > 0 && (
      <section>
        <h3>
          {name} — {list.length}
        </h3>
        <ul>
          {list.map((user) => (
            <li key={user.id} class="member">
              <Avatar user={user} dot />
              <span>
                {nameOf(user)} {user.bot && <span class="tag">APP</span>}
                <span class="hidden">{STATUS_WORDS[statusOf(user.id)]}</span>
              </span>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <aside class="members" aria-label="Members" tabIndex={0}>
      {group("Online", online)}
      {group("Offline", away)}
    </aside>
  );
}

/** The way back to the channels, on a phone. */
export function Back() {
  const calls = allPings.value;
  return <IconButton icon="menu" class="back" label={calls ? `Channels, ${calls} for you` : "Channels"} onClick={() => (panel.value = "channels")} />;
}

