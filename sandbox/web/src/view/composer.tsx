// Where one writes: messages with files and replies, and commands that begin with "/".

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Channel, Message } from "../discord/types.ts";
import { draftOf, keepDraft } from "../state/drafts.ts";
import { nameOf, titleOf } from "../state/people.ts";
import { maySend } from "../state/permissions.ts";
import type { Session } from "../state/session.ts";
import { isPrivate } from "../state/world.ts";
import { IconButton, isPhone, useOver } from "./bits.tsx";
import { CommandForm, CommandList, matching, useCommands, type Entry } from "./commands.tsx";
import { MESSAGE_LENGTH } from "./editor.tsx";
import { bytes } from "./time.ts";

/** Bytes that a file may have (Discord, "Uploading Files"). */
const FILE_BYTES = 10 * 1024 * 1024;

/** Files of a message at most. */
const FILES = 10;

/** How often others are told that one types, in milliseconds: Discord shows it for 10 s. */
const TYPING_EVERY_MS = 8_000;

interface Props {
  session: Session;
  channel: Channel;
  reply: Message | null;
  onReply: (message: Message | null) => void;
}

export function Composer({ session, channel, reply, onReply }: Props) {
  const text = useSignal("");
  const files = useSignal<File[]>([]);
  const problem = useSignal("");
  const command = useSignal<Entry | null>(null);
  const active = useSignal(0);
  const field = useRef<HTMLTextAreaElement>(null);
  const typed = useRef(0);
  const commands = useCommands(session, channel.id, text.value.startsWith("/"));
  /** What was typed when the list was closed: it stays so until something else is typed. */
  const hidden = useSignal("");
  const hide = () => (hidden.value = text.value);
  const offered = maySend(channel) && hidden.value !== text.value ? matching(commands, text.value) : [];
  useOver(hide, offered.length > 0);

  useEffect(() => {
    text.value = draftOf(session.person.id, channel.id);
    hidden.value = "";
    files.value = [];
    command.value = null;
    problem.value = "";
    if (!isPhone()) field.current?.focus();
  }, [session, channel.id]);
  useEffect(() => {
    if (reply) field.current?.focus();
  }, [reply]);

  const asked = useRef(false);
  useEffect(() => {
    if (asked.current && !command.value && !isPhone()) field.current?.focus();
    asked.current = command.value !== null;
  }, [command.value]);

  if (!maySend(channel)) {
    return <p class="composer closed">{channel.thread_metadata?.locked ? "This thread is locked." : "You may read here, and not write."}</p>;
  }
  if (command.value) {
    const close = () => (command.value = null);
    return <CommandForm session={session} channel={channel} entry={command.value} onClose={close} />;
  }

  const set = (value: string) => {
    text.value = value;
    hidden.value = "";
    active.value = 0;
    keepDraft(session.person.id, channel.id, value);
  };
  const attach = (added: Iterable<File>) => {
    const all = [...files.value, ...added];
    const large = all.find((file) => file.size > FILE_BYTES);
    problem.value = large ? `${large.name} is too large: Discord takes 10 MB.` : all.length > FILES ? `Discord takes ${FILES} files in a message: ${all.length - FILES} are left out.` : "";
    files.value = all.filter((file) => file.size <= FILE_BYTES).slice(0, FILES);
  };
  const over = [...text.value.trim()].length - MESSAGE_LENGTH;
  const send = () => {
    const content = text.value.trim();
    if ((!content && !files.value.length) || over > 0) return;
    session.outbox.send(channel.id, { content, files: files.value, reply: reply ?? undefined });
    set("");
    files.value = [];
    problem.value = "";
    onReply(null);
    field.current?.focus();
  };
  const asFile = () => {
    attach([new File([text.value], "message.txt", { type: "text/plain" })]);
    set("");
  };
  const choose = (entry: Entry) => {
    set("");
    command.value = entry;
  };
  const key = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (offered.length) {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (step) {
        event.preventDefault();
        active.value = (active.value + step + offered.length) % offered.length;
        return;
      }
      if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) {
        event.preventDefault();
        choose(offered[active.value]!);
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey && !isPhone()) {
      event.preventDefault();
      send();
    }
    if (event.key === "Escape") offered.length ? hide() : onReply(null);
  };
  const tell = () => {
    if (Date.now() - typed.current < TYPING_EVERY_MS || text.value.startsWith("/")) return;
    typed.current = Date.now();
    session.rest.call({ method: "POST", path: `/channels/${channel.id}/typing` }).catch(() => {});
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        attach(event.dataTransfer?.files ?? []);
      }}
    >
      {offered.length > 0 && <CommandList entries={offered} active={active.value} onChoose={choose} />}
      {reply && (
        <p class="bar">
          Replying to <strong>{nameOf(reply.author)}</strong>
          <IconButton icon="close" label="Do not reply" onClick={() => onReply(null)} />
        </p>
      )}
      {files.value.length > 0 && (
        <ul class="files">
          {files.value.map((file) => (
            <li key={file.name}>
              <bdi class="file-name">{shown(file.name)}</bdi> <span class="quiet">{bytes(file.size)}</span>
              <IconButton icon="close" label={`Remove ${file.name}`} onClick={() => (files.value = files.value.filter((it) => it !== file))} />
            </li>
          ))}
        </ul>
      )}
      {over > 0 && (
        <p class="problem" role="alert">
          {over} characters too many: Discord takes {MESSAGE_LENGTH}.{" "}
          <button type="button" class="as-link" onClick={asFile}>
            Send it as a file
          </button>
        </p>
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="line">
        <label class="icon-button" title="Add files">
          <span class="hidden">Add files</span>
          <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 5v14M5 12h14" />
          </svg>
          <input
            type="file"
            multiple
            class="hidden"
            onChange={(event) => {
              attach(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <textarea
          ref={field}
          rows={Math.min(10, text.value.split("\n").length)}
          aria-label={`Message ${isPrivate(channel) ? "@" : "#"}${titleOf(channel)}`}
          placeholder={`Message ${isPrivate(channel) ? "@" : "#"}${titleOf(channel)}`}
          aria-controls={offered.length ? "commands" : undefined}
          aria-activedescendant={offered.length ? `command-${active.value}` : undefined}
          autoComplete="off"
          enterkeyhint={isPhone() ? "enter" : "send"}
          value={text.value}
          onInput={(event) => {
            set(event.currentTarget.value);
            tell();
          }}
          onKeyDown={key}
          onPaste={(event) => {
            const pasted = event.clipboardData?.files;
            if (pasted?.length) {
              event.preventDefault();
              attach(pasted);
            }
          }}
        />
        <IconButton type="submit" icon="send" label="Send message" class="send" disabled={over > 0 || (!text.value.trim() && !files.value.length)} />
      </div>
    </form>
  );
}

/** A name without signs that turn the direction of what follows. */
const shown = (name: string): string => name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
