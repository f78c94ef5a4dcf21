// The middle column: one channel, thread, forum or private chat.

import { useSignal } from "@preact/signals";
import { useCallback, useEffect } from "preact/hooks";
import type { Link } from "../discord/gateway.ts";
import type { Channel, Message, Snowflake } from "../discord/types.ts";
import { members, nameOf, titleOf } from "../state/people.ts";
import { go, here, place } from "../state/place.ts";
import type { Session } from "../state/session.ts";
import { channels, guilds, isForum, isPrivate, isThread, me, statusOf, threadsOf, typing } from "../state/world.ts";
import { Icon, IconButton, Sheet, StatusDot, STATUS_WORDS, Ticking } from "./bits.tsx";
import { Composer } from "./composer.tsx";
import { Forum } from "./forum.tsx";
import { plainOf } from "./markdown.tsx";
import { MessageView } from "./message.tsx";
import { Back } from "./sidebar.tsx";
import { Timeline } from "./timeline.tsx";

export function Chat({ session }: { session: Session }) {
  const channel = here.value;
  const link = session.gateway.link.value;
  const reply = useSignal<Message | null>(null);
  const onReply = useCallback((message: Message | null) => (reply.value = message), []);
  const failed = session.acts.all.value.filter((it) => it.state === "failed" && !it.message && it.channel === channel?.id && !it.what.startsWith("modal:"));
  useEffect(() => {
    reply.value = null;
  }, [session, channel?.id]);
  return (
    <main class="chat">
      <Header session={session} channel={channel} />
      {link === "lost" && (
        <p class="banner" role="status">
          The connection to Discord is gone. Connecting again…
        </p>
      )}
      {!channel && <p class="nothing quiet">{absence(link)}</p>}
      {channel && isForum(channel) && <Forum key={channel.id} session={session} channel={channel} />}
      {channel && !isForum(channel) && (
        <>
          <Timeline key={`${session.person.id}:${channel.id}`} session={session} channel={channel} onReply={onReply} />
          <Typing channel={channel.id} />
          {failed.map((act) => (
            <p key={act.nonce} class="problem strip" role="alert">
              {act.what}: {act.error}{" "}
              <button type="button" class="as-link" onClick={() => session.acts.dismiss(act)}>
                Dismiss
              </button>
            </p>
          ))}
          <Composer session={session} channel={channel} reply={reply.value} onReply={onReply} />
        </>
      )}
    </main>
  );
}

/** Why there is nothing to look at. */
function absence(link: Link): string {
  if (link !== "live" || !me.value) return "Connecting…";
  if (place.value.channel) return "This channel is not there, or you may not see it.";
  return guilds.value.size ? "There is no channel here that you may see." : "You are in no server.";
}

function Header({ session, channel }: { session: Session; channel?: Channel }) {
  const sheet = useSignal<"pins" | "threads" | null>(null);
  const parent = channel && isThread(channel) ? channels.value.get(channel.parent_id ?? "") : undefined;
  const other = channel && isPrivate(channel) ? channel.recipients?.[0] : undefined;
  const threads = channel && !isForum(channel) && !isThread(channel) ? threadsOf(channel.id) : [];
  const close = () => (sheet.value = null);
  return (
    <header class="bar-top">
      {parent ? <IconButton icon="back" label={`Back to ${titleOf(parent)}`} onClick={() => go(parent)} /> : <Back />}
      {channel && <Icon name={isForum(channel) ? "forum" : isThread(channel) ? "thread" : isPrivate(channel) ? "at" : "hash"} />}
      <div class="title">
        <h1>{channel ? titleOf(channel) : "Mission Control"}</h1>
        {channel?.topic && !isForum(channel) && <p class="quiet">{plainOf(channel.topic)}</p>}
        {other && (
          <p class="quiet">
            <StatusDot status={statusOf(other.id)} /> {STATUS_WORDS[statusOf(other.id)]}
          </p>
        )}
      </div>
      {threads.length > 0 && <IconButton icon="thread" label="Threads" onClick={() => (sheet.value = "threads")} />}
      {channel && !isForum(channel) && <IconButton icon="pin" label="Pinned messages" onClick={() => (sheet.value = "pins")} />}
      {sheet.value === "threads" && (
        <Sheet label="Threads" onClose={close} class="menu">
          <h2>Threads</h2>
          {threads.map((thread) => (
            <button
              key={thread.id}
              type="button"
              class="menu-item"
              onClick={() => {
                close();
                go(thread);
              }}
            >
              {titleOf(thread)}
            </button>
          ))}
        </Sheet>
      )}
      {sheet.value === "pins" && channel && <Pins session={session} channel={channel} onClose={close} />}
    </header>
  );
}

function Pins({ session, channel, onClose }: { session: Session; channel: Channel; onClose: () => void }) {
  const found = useSignal<Message[] | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    session.rest.get<{ items: { message: Message }[] }>(`/channels/${channel.id}/messages/pins`).then(
      (page) => (found.value = page.items.map((item) => item.message)),
      () => (failed.value = true),
    );
  }, []);
  return (
    <Sheet label="Pinned messages" onClose={onClose} class="wide">
      <h2>Pinned messages</h2>
      {failed.value && <p class="problem">They could not be loaded.</p>}
      {found.value?.length === 0 && <p class="quiet">Nothing is pinned here.</p>}
      {found.value?.map((message) => <MessageView key={message.id} message={message} follows={false} quiet />)}
    </Sheet>
  );
}

function Typing({ channel }: { channel: Snowflake }) {
  const there = [...(typing.value.get(channel) ?? [])].filter(([user]) => user !== me.value?.id);
  const words = (now: number) => {
    const names = there.filter(([, until]) => until > now).map(([user]) => memberName(user));
    if (!names.length) return "";
    if (names.length > 3) return "Several people are typing…";
    return `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing…`;
  };
  return (
    <p class="typing" aria-live="polite">
      {there.length > 0 && <Ticking key={String(there[0]![1])} at={there[0]![1]} text={words} />}
    </p>
  );
}

function memberName(id: Snowflake): string {
  const user = members.value.get(id)?.user;
  return user ? nameOf(user) : "Someone";
}
