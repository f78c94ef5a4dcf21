// The whole page: three columns on a wide screen, one at a time on a phone.

import { useSignal } from "@preact/signals";
import { here, isNarrow, panel } from "../state/place.ts";
import { begin, session, trouble } from "../state/session.ts";
import { guilds, isPrivate } from "../state/world.ts";
import { useOver } from "./bits.tsx";
import { Chat } from "./chat.tsx";
import { ModalView } from "./modal.tsx";
import { NewServer } from "./new-server.tsx";
import { MemberList, Sidebar } from "./sidebar.tsx";
import { TroubleConsole } from "./trouble.tsx";

export function App() {
  const open = session.value;
  const console_ = useSignal(false);
  const founding = useSignal(false);
  useOver(() => (console_.value = false), console_.value && isNarrow(), true);
  if (!open) return <SignIn />;
  const troubled = console_.value;
  // Where the sandbox's operator tries things; there is no list to stand in while there is one server.
  const onNewServer = open.person.operator ? () => (founding.value = true) : undefined;
  const beside = here.value && !isPrivate(here.value);
  return (
    <div class="app" data-panel={panel.value} data-trouble={troubled}>
      <Sidebar
        session={open}
        troubled={troubled}
        onNewServer={onNewServer}
        onTrouble={() => {
          console_.value = !troubled;
          panel.value = "chat";
        }}
      />
      <Chat session={open} />
      {troubled ? (
        <TroubleConsole session={open} onClose={() => (console_.value = false)} onNewServer={guilds.value.size > 1 ? undefined : onNewServer} />
      ) : (
        beside && <MemberList />
      )}
      <ModalView />
      {founding.value && onNewServer && (
        <NewServer
          session={open}
          onClose={() => (founding.value = false)}
          onMade={() => {
            founding.value = console_.value = false;
            panel.value = "chat";
          }}
        />
      )}
    </div>
  );
}

function SignIn() {
  const token = useSignal("");
  if (!trouble.value) return <main class="nothing quiet">Connecting…</main>;
  return (
    <main class="sign-in">
      <h1>Mission Control</h1>
      <p class="problem" role="alert">
        {trouble.value}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (token.value) location.hash = `token=${encodeURIComponent(token.value.trim())}`;
          void begin();
        }}
      >
        <div class="form-field">
          <label for="token">The sandbox's token, if it has one: it stands at the end of the address that the program printed</label>
          <input id="token" type="password" autoComplete="off" value={token.value} onInput={(event) => (token.value = event.currentTarget.value)} />
        </div>
        <button type="submit" class="button primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
