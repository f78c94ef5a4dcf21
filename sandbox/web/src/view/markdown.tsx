// Texts of messages, as Discord shows them. Everything becomes text nodes: nothing of a message is
// ever read as HTML.

import { useSignal } from "@preact/signals";
import { Fragment, type ComponentChildren, type VNode } from "preact";
import { memo } from "../memo.ts";
import { members, nameOf, roles, titleOf } from "../state/people.ts";
import { follow } from "../state/place.ts";
import { channels, guilds } from "../state/world.ts";
import { Ticking } from "./bits.tsx";
import { tree, type Node } from "./syntax.ts";
import { relative, styled } from "./time.ts";

/** How deep a text is followed: what is nested deeper is plain. */
const DEPTH = 24;

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return <Fragment>{nodes(tree(text), 0)}</Fragment>;
});

/** A text without blocks, such as the title of an embed. */
export function plainOf(text: string): string {
  return flat(tree(text));
}

function flat(list: Node[] | string | undefined): string {
  if (typeof list === "string") return list;
  return (list ?? []).map(words).join("");
}

/** What a node says without its looks. */
function words(node: Node): string {
  switch (node.type) {
    case "br":
    case "newline":
      return " ";
    case "user":
      return `@${userName(text(node.id))}`;
    case "role":
      return `@${roles.value.get(text(node.id))?.name ?? "deleted-role"}`;
    case "channel": {
      const channel = channels.value.get(text(node.id));
      return `#${channel ? titleOf(channel) : "unknown"}`;
    }
    case "everyone":
    case "here":
      return `@${node.type}`;
    case "twemoji":
      return text(node.name);
    case "emoji":
      return `:${text(node.name)}:`;
    case "timestamp":
      return styled(Number(node.timestamp) * 1000, "f");
    case "list":
      return (node.items as Item[]).map((item) => flat(item.content)).join(", ");
    default:
      return flat(node.content);
  }
}

function nodes(list: Node[] | string | undefined, depth: number): ComponentChildren {
  if (list === undefined || typeof list === "string") return list;
  if (depth > DEPTH) return flat(list);
  return list.map((node, at) => <Fragment key={at}>{one(node, depth + 1)}</Fragment>);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function one(node: Node, depth: number): ComponentChildren {
  const inside = () => nodes(node.content, depth);
  switch (node.type) {
    case "strong":
      return <strong>{inside()}</strong>;
    case "em":
      return <em>{inside()}</em>;
    case "underline":
      return <u>{inside()}</u>;
    case "strikethrough":
      return <s>{inside()}</s>;
    case "inlineCode":
      return <code>{inside()}</code>;
    case "codeBlock":
      return <CodeBlock text={text(node.content)} language={text(node.lang)} />;
    case "blockQuote":
      return <blockquote>{inside()}</blockquote>;
    case "spoiler":
      return <Spoiler>{inside()}</Spoiler>;
    case "heading":
      return <p class={`heading level-${Number(node.level)}`}>{inside()}</p>;
    case "subtext":
      return <p class="subtext">{inside()}</p>;
    case "list":
      return <List items={node.items as Item[]} depth={depth} />;
    case "link":
    case "url":
    case "autolink":
      return <Link target={text(node.target)} masked={node.type === "link"} label={inside()} words={flat(node.content)} />;
    case "br":
    case "newline":
      return <br />;
    case "timestamp":
      return <Timestamp seconds={Number(node.timestamp)} style={text(node.format) || "f"} />;
    case "user":
      return <Mention>@{userName(text(node.id))}</Mention>;
    case "role":
      return <Mention>@{roles.value.get(text(node.id))?.name ?? "deleted-role"}</Mention>;
    case "channel":
      return <ChannelMention id={text(node.id)} />;
    case "everyone":
      return <Mention>@everyone</Mention>;
    case "here":
      return <Mention>@here</Mention>;
    case "slashCommand":
      return <Mention>/{text(node.fullName) || text(node.name)}</Mention>;
    case "guildNavigation":
      return <Mention>{text(node.id)}</Mention>;
    case "emoji":
      return <span title={text(node.name)}>:{text(node.name)}:</span>;
    case "twemoji":
      return text(node.name);
    default:
      return inside();
  }
}

function userName(id: string): string {
  const user = members.value.get(id)?.user;
  return user ? nameOf(user) : "unknown-user";
}

function Mention({ children }: { children: ComponentChildren }) {
  return <span class="mention">{children}</span>;
}

function ChannelMention({ id }: { id: string }) {
  const channel = channels.value.get(id);
  if (!channel) return <Mention>#unknown</Mention>;
  const path = `/channels/${channel.guild_id ?? "@me"}/${id}`;
  return <InnerLink path={path} label={`#${titleOf(channel)}`} class="mention" />;
}

function InnerLink({ path, label, class: more }: { path: string; label: ComponentChildren; class?: string }) {
  return (
    <a
      href={path}
      class={more}
      onClick={(event) => {
        if (!event.ctrlKey && !event.metaKey && follow(path)) event.preventDefault();
      }}
    >
      {label}
    </a>
  );
}

/** The path on this page that a link of Discord's form means. */
function innerPath(target: URL): string | null {
  const match = /^\/channels\/(@me|\d+)\/\d+(\/\d+)?$/.exec(target.pathname);
  const known = match && (match[1] === "@me" || guilds.value.has(match[1]!));
  const ours = target.host === location.host || target.host === "discord.com" || target.host.endsWith(".discord.com");
  return known && ours ? target.pathname : null;
}

/** A link says where it leads, also when its label says something else. */
export function Link({ target, masked, label, words }: { target: string; masked?: boolean; label: ComponentChildren; words?: string }) {
  const url = URL.canParse(target) ? new URL(target) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return <span>{label}</span>;
  const inner = innerPath(url);
  if (inner) return masked ? <InnerLink path={inner} label={label} /> : <InnerLink path={inner} label={innerLabel(inner)} class="mention" />;
  const honest = masked && words !== target;
  return (
    <Fragment>
      <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
        {label}
      </a>
      {honest && <span class="where"> ({url.host})</span>}
    </Fragment>
  );
}

function innerLabel(path: string): string {
  const [, , , id = "", message] = path.split("/");
  const channel = channels.value.get(id);
  return `#${channel ? titleOf(channel) : "unknown"}${message ? " › message" : ""}`;
}

function Timestamp({ seconds, style }: { seconds: number; style: string }) {
  const at = seconds * 1000;
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return <span>Invalid date</span>;
  if (style === "R") return <Ticking at={at} text={(now) => relative(at, now)} />;
  return <time dateTime={new Date(at).toISOString()}>{styled(at, style)}</time>;
}

function Spoiler({ children }: { children: ComponentChildren }) {
  const open = useSignal(false);
  if (open.value) return <span class="spoiler open">{children}</span>;
  return (
    <button type="button" class="spoiler" aria-label="Spoiler, show" onClick={() => (open.value = true)}>
      <span aria-hidden="true">{children}</span>
    </button>
  );
}

function CodeBlock({ text, language }: { text: string; language: string }): VNode {
  const copied = useSignal(false);
  return (
    <div class="code-block">
      <pre tabIndex={0} aria-label={language ? `Code, ${language}` : "Code"}>
        <code>{text}</code>
      </pre>
      <button
        type="button"
        class="copy"
        onClick={() => void navigator.clipboard?.writeText(text).then(() => (copied.value = true), () => {})}
      >
        {copied.value ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

interface Item {
  level: number;
  bullet: string;
  content: Node[];
}

function List({ items, depth }: { items: Item[]; depth: number }) {
  return (
    <ul class="list">
      {items.map((item, at) => (
        <li key={at} class={`level-${item.level}`}>
          <span aria-hidden="true">{item.bullet} </span>
          {nodes(item.content, depth)}
        </li>
      ))}
    </ul>
  );
}
