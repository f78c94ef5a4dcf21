// The servers one is in, and the private chats: a column of round buttons.

import type { ComponentChildren } from "preact";
import { goServer, listed, listPrivate, PRIVATE } from "../state/place.ts";
import { hasNews, pingsIn } from "../state/reading.ts";
import { guilds } from "../state/world.ts";
import { Icon } from "./bits.tsx";

/** `onNew` is called where one may want one more server. */
export function Rail({ onNew }: { onNew?: () => void }) {
  const all = [...guilds.value.values()];
  const several = all.length > 1;
  return (
    <nav class="rail" aria-label="Servers">
      <RailButton label="Private chats" current={listed.value === PRIVATE} pings={pingsIn()} onClick={listPrivate}>
        <Icon name="at" />
      </RailButton>
      {all.map(({ id, name }) => {
        const current = listed.value === id;
        return (
          <RailButton key={id} label={name} current={current} pings={several ? pingsIn(id) : 0} news={several && !current && hasNews(id)} onClick={() => goServer(id)}>
            <span aria-hidden="true">{initials(name)}</span>
          </RailButton>
        );
      })}
      {several && onNew && (
        <RailButton label="New server" current={false} pings={0} onClick={onNew}>
          <Icon name="plus" />
        </RailButton>
      )}
    </nav>
  );
}

interface ButtonProps {
  label: string;
  current: boolean;
  pings: number;
  news?: boolean;
  onClick: () => void;
  children: ComponentChildren;
}

function RailButton({ label, current, pings, news, onClick, children }: ButtonProps) {
  const words = pings ? `${label}, ${pings} for you` : news ? `${label}, unread` : label;
  return (
    <button type="button" class={`rail-button${news ? " unread" : ""}`} title={label} aria-current={current ? "true" : undefined} onClick={onClick}>
      <span class="hidden">{words}</span>
      {children}
      {pings > 0 && (
        <span class="ping" aria-hidden="true">
          {pings}
        </span>
      )}
    </button>
  );
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .slice(0, 2)
    .join("");
}
