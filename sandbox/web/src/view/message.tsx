// One message, and what one can do with it.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Message } from "../discord/types.ts";
import { memo } from "../memo.ts";
import { alone } from "../state/log.ts";
import { nameOf, roles, members, titleOf } from "../state/people.ts";
import { go } from "../state/place.ts";
import { session } from "../state/session.ts";
import { channels, me } from "../state/world.ts";
import { Avatar, Icon, IconButton, Safe } from "./bits.tsx";
import { Components } from "./components.tsx";
import { AttachmentView, EmbedView } from "./embed.tsx";
import { Editor } from "./editor.tsx";
import { plainOf, Markdown } from "./markdown.tsx";
import { MessageMenu } from "./menu.tsx";
import { Reactions } from "./reactions.tsx";
import { written } from "./time.ts";

/** Kinds of messages that Discord words itself (Message Resource, "Message Types"). */
const SYSTEM: Record<number, (name: string, message: Message) => string> = {
  1: (name) => `${name} added someone to the thread.`,
  4: (name, message) => `${name} changed the channel name: ${message.content}`,
  6: (name) => `${name} pinned a message to this channel.`,
  7: (name) => `${name} joined the server.`,
  18: (name, message) => `${name} started a thread: ${message.content}`,
  21: () => "This thread began with another message.",
};

/** Messages of one author within this time stand below one name, in milliseconds. */
const TOGETHER_MS = 7 * 60_000;

export function belongsTo(before: Message | undefined, message: Message): boolean {
  if (!before || before.type in SYSTEM || message.type in SYSTEM) return false;
  if (message.referenced_message || message.interaction_metadata || alone(message)) return false;
  const same = before.author.id === message.author.id && before.author.username === message.author.username;
  return same && Date.parse(message.timestamp) - Date.parse(before.timestamp) < TOGETHER_MS;
}

interface Props {
  message: Message;
  /** Whether the name stands above an earlier message already. */
  follows: boolean;
  /** For showing elsewhere: nothing can be done with it. */
  quiet?: boolean;
  onReply?: (message: Message) => void;
}

export const MessageView = memo(function MessageView({ message, follows, quiet, onReply }: Props) {
  const menu = useSignal(false);
  const editing = useSignal(false);
  const system = SYSTEM[message.type];
  const name = nameOf(message.author);
  const at = Date.parse(message.timestamp);
  const flagged = message.mention_everyone || message.mentions?.some((it) => it.id === me.value?.id);
  const classes = ["message", follows && "follows", flagged && "for-me", alone(message) && "alone", system && "system"].filter(Boolean);
  return (
    <article class={classes.join(" ")} data-id={message.id} aria-label={`${name}, ${written(at)}`}>
      {message.referenced_message && <Reply to={message.referenced_message} />}
      {message.interaction_metadata?.name && <Used message={message} />}
      {!follows && !system && <Avatar user={message.author} name={message.author.bot ? message.author.username : undefined} />}
      <div class="body">
        {system ? (
          <p class="quiet">{system(name, message)}</p>
        ) : (
          <>
            {!follows && <Head message={message} name={name} at={at} />}
            {editing.value ? (
              <Editor message={message} onDone={() => (editing.value = false)} />
            ) : (
              <Safe>
                <Content message={message} />
              </Safe>
            )}
          </>
        )}
        <Safe>
          {message.attachments.map((file) => <AttachmentView key={file.id} file={file} />)}
          {message.embeds.map((embed, at) => <EmbedView key={at} embed={embed} />)}
          {!!message.components?.length && <Components message={message} />}
        </Safe>
        <Failed message={message} />
        {!!message.reactions?.length && <Reactions message={message} list={message.reactions} />}
        {message.thread && <ThreadLink message={message} />}
        {alone(message) && <Alone message={message} />}
      </div>
      {!quiet && (
        <div class="tools">
          <IconButton icon="more" label="What to do with this message" onClick={() => (menu.value = true)} />
        </div>
      )}
      {menu.value && (
        <MessageMenu message={message} onClose={() => (menu.value = false)} onEdit={() => (editing.value = true)} onReply={() => onReply?.(message)} />
      )}
    </article>
  );
});

function Head({ message, name, at }: { message: Message; name: string; at: number }) {
  const held = members.value.get(message.author.id)?.roles ?? [];
  const top = held
    .map((id) => roles.value.get(id))
    .filter((role) => role?.color)
    .sort((one, other) => other!.position - one!.position)[0];
  return (
    <p class="head">
      <span class="name" style={top ? { "--role": `#${top.color.toString(16).padStart(6, "0")}` } : undefined}>
        <bdi>{name}</bdi>
      </span>
      {message.author.bot && <span class="tag">APP</span>}
      <time class="quiet" dateTime={message.timestamp} title={new Date(at).toLocaleString()}>
        {written(at)}
      </time>
      {message.pinned && (
        <span class="quiet" title="Pinned">
          <Icon name="pin" />
          <span class="hidden">Pinned</span>
        </span>
      )}
    </p>
  );
}

function Content({ message }: { message: Message }) {
  if ((message.flags ?? 0) & 128) return <p class="quiet loading">thinking…</p>;
  if (!message.content) return null;
  return (
    // Unknown directions are found out for each text: overrides end with it.
    <div class="content" dir="auto">
      <Markdown text={message.content} />
      {message.edited_timestamp && (
        <span class="edited" title={new Date(message.edited_timestamp).toLocaleString()}>
          {" "}
          (edited)
        </span>
      )}
    </div>
  );
}

/** A line above the message that leads somewhere else. */
function Above({ children, onClick }: { children: ComponentChildren; onClick?: () => void }) {
  return onClick ? (
    <button type="button" class="above" onClick={onClick}>
      {children}
    </button>
  ) : (
    <p class="above">{children}</p>
  );
}

function Reply({ to }: { to: Message }) {
  const channel = channels.value.get(to.channel_id);
  return (
    <Above onClick={channel && (() => go(channel, to.id))}>
      <Icon name="reply" />
      <span class="hidden">In reply to </span>
      <strong>
        <bdi>{nameOf(to.author)}</bdi>
      </strong>{" "}
      <span class="excerpt">{plainOf(to.content.slice(0, 200)) || "Click to see the message"}</span>
    </Above>
  );
}

function Used({ message }: { message: Message }) {
  const used = message.interaction_metadata!;
  return (
    <Above>
      <Icon name="reply" />
      <bdi>{nameOf(used.user)}</bdi> used <strong>/{used.name}</strong>
    </Above>
  );
}

function Failed({ message }: { message: Message }) {
  const acts = session.value?.acts;
  const failed = acts?.all.value.filter((it) => it.state === "failed" && it.message === message.id) ?? [];
  return failed.map((act) => (
    <p key={act.nonce} class="problem" role="alert">
      {act.error}{" "}
      <button type="button" class="as-link" onClick={() => acts?.dismiss(act)}>
        Dismiss
      </button>
    </p>
  ));
}

function ThreadLink({ message }: { message: Message }) {
  const thread = channels.value.get(message.thread!.id) ?? message.thread!;
  return (
    <button type="button" class="thread-link" onClick={() => go(thread)}>
      <Icon name="thread" />
      <strong>{titleOf(thread)}</strong>
      <span class="quiet">{thread.message_count ?? 0} messages</span>
    </button>
  );
}

function Alone({ message }: { message: Message }) {
  return (
    <p class="quiet">
      Only you can see this •{" "}
      <button type="button" class="as-link" onClick={() => session.value?.log(message.channel_id).remove([message.id])}>
        Dismiss message
      </button>
    </p>
  );
}
