// Changing the words of a message of one's own.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { RestError } from "../discord/rest.ts";
import type { Message } from "../discord/types.ts";
import { session } from "../state/session.ts";
import { useOver } from "./bits.tsx";

/** Characters that a message may have (Discord, "Create Message"). */
export const MESSAGE_LENGTH = 2000;

export function Editor({ message, onDone }: { message: Message; onDone: () => void }) {
  const text = useSignal(message.content);
  const problem = useSignal("");
  const field = useRef<HTMLTextAreaElement>(null);
  useOver(onDone);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.value.length, text.value.length);
  }, []);
  const save = async () => {
    const content = text.value.trim();
    if (content === message.content) return onDone();
    try {
      const path = `/channels/${message.channel_id}/messages/${message.id}`;
      await session.value?.rest.call({ method: "PATCH", path, body: { content }, repeatable: true });
      onDone();
    } catch (error) {
      problem.value = error instanceof RestError ? error.message : "It could not be saved.";
    }
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <textarea
        ref={field}
        aria-label="Edit message"
        rows={Math.min(8, text.value.split("\n").length)}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onDone();
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            void save();
          }
        }}
      />
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="row">
        <button type="button" class="button secondary" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={!text.value.trim() || text.value.length > MESSAGE_LENGTH}>
          Save
        </button>
      </div>
    </form>
  );
}
