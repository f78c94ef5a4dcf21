// One more server, with the bridge's bot in it.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Founding, NAME } from "../state/servers.ts";
import type { Session } from "../state/session.ts";
import { Sheet } from "./bits.tsx";

export function NewServer({ session, onMade, onClose }: { session: Session; onMade: () => void; onClose: () => void }) {
  const name = useSignal("");
  const busy = useSignal(false);
  const problem = useSignal("");
  const founding = useRef(new Founding(session.rest));
  const make = async () => {
    if (busy.value) return;
    const wanted = name.value.trim();
    if ([...wanted].length < NAME.least) {
      problem.value = `A name has ${NAME.least} characters at least.`;
      return;
    }
    busy.value = true;
    problem.value = "";
    try {
      await founding.current.found(wanted);
      onMade();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : "That did not work.";
    }
    busy.value = false;
  };
  return (
    <Sheet label="New server" onClose={onClose} class="modal">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <h2>New server</h2>
        <p class="quiet">Mission Control is invited to it, and says there how one of your projects is shown in it.</p>
        <div class="form-field">
          <label for="server-name">What is it called?</label>
          <input id="server-name" type="text" autoComplete="off" maxLength={NAME.most} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        </div>
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <div class="sheet-actions">
          <button type="button" class="button secondary" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" aria-busy={busy.value}>
            Make it
          </button>
        </div>
      </form>
    </Sheet>
  );
}
