// The messages of a channel, newest below. What the person looks at stays where it is, whatever comes
// above or below it.

import { useSignal, useSignalEffect } from "@preact/signals";
import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { compare } from "../discord/snowflake.ts";
import type { Channel, Message, Snowflake } from "../discord/types.ts";
import type { Log } from "../state/log.ts";
import { titleOf } from "../state/people.ts";
import { inSight, place } from "../state/place.ts";
import { lastRead, markRead } from "../state/reading.ts";
import type { Session } from "../state/session.ts";
import { Icon } from "./bits.tsx";
import { belongsTo, MessageView } from "./message.tsx";
import { PendingView } from "./pending.tsx";
import { dayOf } from "./time.ts";

/** How near the end counts as the end, in pixels. */
const NEAR = 60;

/** How far from an end more is asked for, in pixels. */
const AHEAD = 700;

interface Props {
  session: Session;
  channel: Channel;
  onReply: (message: Message) => void;
}

export function Timeline({ session, channel, onReply }: Props) {
  const log = session.log(channel.id);
  const box = useRef<HTMLDivElement>(null);
  const scroll = useScroll(box, log);
  const mark = useSignal<Snowflake | undefined>(undefined);
  const pending = session.outbox.pending.value.filter((it) => it.channel === channel.id);
  const items = log.items.value;
  const wanted = place.value.channel === channel.id ? place.value.message : undefined;

  useEffect(() => {
    mark.value = lastRead(channel.id);
    scroll.follow();
    if (!wanted) void log.open();
  }, [log]);
  useEffect(() => {
    if (wanted) void log.around(wanted).then(() => scroll.show(wanted));
  }, [log, wanted]);
  useEffect(() => {
    // Who writes wants to see it.
    if (!pending.length) return;
    scroll.follow();
    if (log.more.after.value) void log.present();
  }, [pending.at(-1)?.nonce]);
  scroll.changes();
  useLayoutEffect(scroll.settle, [items, pending.length]);
  useLayoutEffect(scroll.changed);
  useSignalEffect(() => {
    const last = log.items.value.at(-1);
    if (last && scroll.atEnd.value && inSight() && !document.hidden) markRead(log.channel, last.id);
  });

  return (
    <div class="timeline">
      <div class="scroller" ref={box} onScroll={scroll.moved} tabIndex={0} role="log" aria-label={`Messages in ${titleOf(channel)}`}>
        <div class="messages">
          {!log.more.before.value && log.known.value && <Beginning channel={channel} empty={items.length === 0} />}
          {log.load.value === "failed" && (
            <p class="problem" role="alert">
              Messages could not be loaded.{" "}
              <button type="button" class="as-link" onClick={() => void log.present()}>
                Try again
              </button>
            </p>
          )}
          {!log.known.value && log.load.value === "loading" && <Waiting />}
          {items.map((message, at) => (
            <Row key={message.id} message={message} before={items[at - 1]} mark={mark.value} onReply={onReply} />
          ))}
          {!log.more.after.value && pending.map((one) => <PendingView key={one.nonce} one={one} outbox={session.outbox} />)}
        </div>
      </div>
      {!scroll.atEnd.value && log.known.value && (
        <button
          type="button"
          class="jump"
          onClick={() => {
            scroll.follow();
            if (log.more.after.value) void log.present();
          }}
        >
          <Icon name="down" /> Jump to present
        </button>
      )}
    </div>
  );
}

function Row({ message, before, mark, onReply }: { message: Message; before?: Message; mark?: Snowflake; onReply: (message: Message) => void }) {
  const at = Date.parse(message.timestamp);
  const day = dayOf(at);
  const newDay = !before || dayOf(Date.parse(before.timestamp)) !== day;
  const fresh = mark !== undefined && before !== undefined && compare(before.id, mark) <= 0 && compare(message.id, mark) > 0;
  return (
    <Fragment>
      {newDay && <p class="divider">{day}</p>}
      {fresh && <p class="divider new">New</p>}
      <MessageView message={message} follows={!newDay && !fresh && belongsTo(before, message)} onReply={onReply} />
    </Fragment>
  );
}

function Beginning({ channel, empty }: { channel: Channel; empty: boolean }) {
  return (
    <div class="beginning">
      <h2>
        <bdi>{titleOf(channel)}</bdi>
      </h2>
      <p class="quiet">{empty ? "Nothing has been said here yet." : "This is where it begins."}</p>
    </div>
  );
}

function Waiting() {
  return (
    <p class="quiet waiting" role="status">
      Loading messages…
    </p>
  );
}

/** Keeps the place: the end, if the person is there, else the message that is on top. */
function useScroll(box: { current: HTMLDivElement | null }, log: Log) {
  const atEnd = useSignal(true);
  const anchor = useRef<Anchor | null>(null);
  // Where the box is scrolled to while what is in it changes: less in it may move it.
  const before = useRef<number | null>(null);
  const self = useRef({
    follow: () => {
      atEnd.value = true;
      toEnd(box.current);
    },
    settle: () => {
      const element = seen(box.current);
      if (!element) return;
      if (atEnd.peek()) toEnd(element);
      else if (anchor.current) hold(element, anchor.current, before.current);
      anchor.current = topmost(element);
      // A tall screen shows a whole page of short messages, and nothing is left to scroll.
      if (element.scrollHeight <= element.clientHeight) void log.older();
    },
    changes: () => {
      before.current = box.current?.scrollTop ?? null;
    },
    changed: () => {
      before.current = null;
    },
    show: (id: Snowflake) => {
      atEnd.value = false;
      const found = box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
      found?.scrollIntoView({ block: "center" });
      found?.classList.add("shown");
    },
  });
  const moved = () => {
    const element = seen(box.current);
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    atEnd.value = below < NEAR && !log.more.after.peek();
    anchor.current = topmost(element);
    if (element.scrollTop < AHEAD) void log.older();
    else if (below < AHEAD) void log.newer();
  };
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    // Pictures that arrive and keyboards that open change heights without an event of ours.
    const watch = new ResizeObserver(() => self.current.settle());
    watch.observe(element);
    watch.observe(element.firstElementChild!);
    return () => watch.disconnect();
  }, []);
  return { atEnd, moved, ...self.current };
}

/** A phone hides the messages behind the channels: then nothing of them has a place, and none changes. */
function seen(element: HTMLElement | null): HTMLElement | null {
  return element && element.clientHeight > 0 ? element : null;
}

function toEnd(element: HTMLElement | null): void {
  if (element) element.scrollTop = element.scrollHeight;
}

interface Anchor {
  id: string;
  top: number;
  /** Where the box was scrolled to then. */
  scroll: number;
}

function topmost(element: HTMLElement): Anchor | null {
  const edge = element.getBoundingClientRect().top;
  const rows = [...element.querySelectorAll<HTMLElement>("article[data-id]")];
  const at = rows.findIndex((row) => row.getBoundingClientRect().bottom > edge);
  // The first of all loses its name when its author's earlier messages come above it.
  const row = (at === 0 && rows[1]) || rows[at];
  return row ? { id: row.dataset.id!, top: row.getBoundingClientRect().top - edge, scroll: element.scrollTop } : null;
}

function hold(element: HTMLElement, anchor: Anchor, before: number | null): void {
  const row = element.querySelector<HTMLElement>(`[data-id="${CSS.escape(anchor.id)}"]`);
  if (!row) return;
  // The person may have scrolled since, without an event yet: that is no drift. Where nobody knows from where to where,
  // the browser may have moved it at the very end, because less is below now.
  const ended = before === null && element.scrollTop >= element.scrollHeight - element.clientHeight - 1;
  const scrolled = ended ? 0 : (before ?? element.scrollTop) - anchor.scroll;
  const drift = row.getBoundingClientRect().top - element.getBoundingClientRect().top - anchor.top + scrolled;
  if (Math.abs(drift) > 0.5) element.scrollTop += drift;
}
