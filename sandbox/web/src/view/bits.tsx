// Small parts that every view uses.

import { signal, useComputed } from "@preact/signals";
import { Component, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { User } from "../discord/types.ts";
import { over } from "../state/history.ts";
import { nameOf } from "../state/people.ts";
import { statusOf } from "../state/world.ts";

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  hash: "M9 4 7 20M17 4l-2 16M4 9h17M3 15h17",
  forum: "M4 5h16v10H9l-5 4z",
  thread: "M5 4v9a3 3 0 0 0 3 3h11M15 12l4 4-4 4",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20 4l-5 16-3-7z",
  plus: "M12 5v14M5 12h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6 6 18",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M8.5 14a4 4 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
  reply: "M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7",
  down: "M12 5v14M6 13l6 6 6-6",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  pin: "M9 4h6l-1 6 3 4H7l3-4zM12 14v6",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0M16 8v5.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string;
  onClick?: (event: Event) => void;
  class?: string;
  disabled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  type?: "button" | "submit";
}

/** A button that is a picture; its label is for those who hear it, and its tooltip. */
export function IconButton({ icon, label, class: more = "", pressed, expanded, type = "button", ...rest }: ButtonProps) {
  return (
    <button type={type} class={`icon-button ${more}`} aria-label={label} title={label} aria-pressed={pressed} aria-expanded={expanded} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

/** Colours that carry white letters (contrast of 4.5 and more). */
const COLOURS = ["#4752c4", "#2d7d46", "#a12d2f", "#8a5a00", "#7a3e9d", "#00707a", "#b0356f", "#52606d"];

export function Avatar({ user, name, dot, small }: { user: User; name?: string; dot?: boolean; small?: boolean }) {
  const shown = name ?? nameOf(user);
  // Personas share a webhook's id: their name tells them apart.
  const seed = [...(user.bot ? shown : user.id)].reduce((sum, char) => (sum * 31 + char.codePointAt(0)!) >>> 0, 7);
  const letter = [...shown.replace(/^[^\p{L}\p{N}]+/u, "")][0] ?? "?";
  return (
    <span class={`avatar${small ? " small" : ""}`} aria-hidden="true" style={{ backgroundColor: COLOURS[seed % COLOURS.length] }}>
      {letter.toUpperCase()}
      {dot && <StatusDot status={statusOf(user.id)} />}
    </span>
  );
}

export const STATUS_WORDS: Record<string, string> = { online: "Online", idle: "Idle", dnd: "Do Not Disturb", offline: "Offline" };

export function StatusDot({ status }: { status: string }) {
  return <span class={`dot ${status}`} title={STATUS_WORDS[status] ?? status} />;
}

/** What cannot be drawn takes nothing else with it. */
export class Safe extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  static getDerivedStateFromError = () => ({ broken: true });
  override state = { broken: false };

  override render() {
    return this.state.broken ? <p class="quiet">This cannot be shown.</p> : this.props.children;
  }
}

/** The clock that ages are counted by. */
const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

/** A text that depends on the time, and changes by itself. */
export function Ticking({ text, at }: { text: (now: number) => string; at: number }) {
  const shown = useComputed(() => text(now.value));
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {shown}
    </time>
  );
}

/** Has Back close what is shown, while it is open. `stays` says that it is not closed where one goes elsewhere. */
export function useOver(close: () => void, open = true, stays = false): void {
  const latest = useRef(close);
  latest.current = close;
  useLayoutEffect(() => (open ? over(() => latest.current(), stays) : undefined), [open]);
}

/** A panel above everything: from below on a phone, in the middle on a wide screen. */
export function Sheet({ label, onClose, children, class: more = "" }: { label: string; onClose: () => void; children: ComponentChildren; class?: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useOver(() => dialog.current?.close());
  return (
    <dialog
      ref={dialog}
      class={`sheet ${more}`}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="sheet-inside">{children}</div>
    </dialog>
  );
}

export const isPhone = (): boolean => matchMedia("(pointer: coarse), (max-width: 700px)").matches;
