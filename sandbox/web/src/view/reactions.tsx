// Reactions below a message, each of which one can join or leave.

import type { Message, Reaction } from "../discord/types.ts";
import { session } from "../state/session.ts";
import { emojiText } from "./components.tsx";

export function toggleReaction(message: Message, emoji: Reaction["emoji"], mine: boolean): void {
  const id = emoji.id ? `${emoji.name}:${emoji.id}` : encodeURIComponent(emoji.name ?? "");
  const path = `/channels/${message.channel_id}/messages/${message.id}/reactions/${id}/@me`;
  session.value?.rest.call({ method: mine ? "DELETE" : "PUT", path, repeatable: true }).catch(() => {});
}

export function Reactions({ message, list }: { message: Message; list: Reaction[] }) {
  return (
    <div class="reactions">
      {list.map(({ emoji, count, me: mine }) => (
        <button
          key={emoji.id ?? emoji.name}
          type="button"
          class="reaction"
          aria-pressed={mine}
          aria-label={`${emojiText(emoji)}, ${count}`}
          onClick={() => toggleReaction(message, emoji, mine)}
        >
          {emojiText(emoji)} <span>{count}</span>
        </button>
      ))}
    </div>
  );
}
