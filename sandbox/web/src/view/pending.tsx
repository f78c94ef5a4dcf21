// A message that is on its way, or that did not arrive.

import type { Outbox, Pending } from "../state/outbox.ts";
import { me } from "../state/world.ts";
import { Avatar } from "./bits.tsx";
import { Markdown } from "./markdown.tsx";

export function PendingView({ one, outbox }: { one: Pending; outbox: Outbox }) {
  const user = me.value;
  if (!user) return null;
  return (
    <article class={`message pending ${one.state}`} aria-label={one.state === "sending" ? "Your message, on its way" : "Your message, not sent"}>
      <Avatar user={user} />
      <div class="body">
        <div class="content" dir="auto">
          <Markdown text={one.content} />
        </div>
        {one.files.map((file) => (
          <p key={file.name} class="quiet">
            {file.name}
          </p>
        ))}
        {one.state === "failed" && (
          <p class="problem" role="alert">
            Not sent: {one.error}{" "}
            <button type="button" class="as-link" onClick={() => outbox.retry(one)}>
              Retry
            </button>{" "}
            <button type="button" class="as-link" onClick={() => outbox.discard(one)}>
              Discard
            </button>
          </p>
        )}
      </div>
    </article>
  );
}
