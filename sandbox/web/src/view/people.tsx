// Looking as someone else: what one may do then is Discord's and the bridge's to say.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { people, type Person } from "../state/sandbox.ts";
import { signIn } from "../state/session.ts";
import { Sheet } from "./bits.tsx";

export function PeopleSheet({ current, onClose }: { current: string; onClose: () => void }) {
  const known = useSignal<Person[]>([]);
  const problem = useSignal("");
  const theme = useSignal(document.documentElement.dataset.theme ?? "");
  useEffect(() => {
    people().then(
      (all) => (known.value = all),
      () => (problem.value = "The sandbox does not say who is here."),
    );
  }, []);
  const become = async (person: Person) => {
    try {
      await signIn(person);
      onClose();
    } catch {
      problem.value = `${person.name} could not be signed in.`;
    }
  };
  return (
    <Sheet label="Look as someone else" onClose={onClose} class="menu">
      <h2>Look as…</h2>
      {known.value.map((person) => (
        <button key={person.id} type="button" class="menu-item" aria-pressed={person.name === current} onClick={() => void become(person)}>
          <span>
            <strong>{person.name}</strong>
            <span class="quiet">{person.operator ? " operator: decides what agents may do" : " member: may not approve"}</span>
          </span>
        </button>
      ))}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <label class="form-field">
        Colours
        <select
          class="select"
          value={theme.value}
          onChange={(event) => {
            theme.value = event.currentTarget.value;
            setTheme(theme.value);
          }}
        >
          <option value="">As the system has them</option>
          <option value="dark">Dark</option>
          <option value="light">Light</option>
        </select>
      </label>
    </Sheet>
  );
}

const KEPT = "theme";

export function setTheme(theme: string): void {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem(KEPT, theme);
}

export const keptTheme = (): string => localStorage.getItem(KEPT) ?? "";
