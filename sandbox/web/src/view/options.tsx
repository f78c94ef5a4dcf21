// The field of one option of a command.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ComponentType, OptionType, type Choice, type CommandOption } from "../discord/types.ts";
import { useOver } from "./bits.tsx";
import { optionsOf } from "./components.tsx";

/** How long one does not type before choices are asked for, in milliseconds. */
const PAUSE_MS = 150;

/** How long the list stays after the field was left, in milliseconds: what is pressed must not move away from under the finger. */
const STAYS_MS = 250;

/** Characters that a text of a command may have. */
const MOST = 6000;

interface Props {
  option: CommandOption;
  value: string | File | undefined;
  onChange: (value: string | File | undefined) => void;
  /** Asks the app what it offers. */
  choices: () => Promise<Choice[]>;
}

export function OptionField({ option, value, onChange, choices }: Props) {
  const id = `option-${option.name}`;
  const listed = listOf(option);
  const text = typeof value === "string" ? value : "";
  return (
    <div class="form-field">
      <label for={id}>
        {option.name}
        {option.required && <span class="required"> *</span>} <span class="quiet">{option.description}</span>
      </label>
      {option.type === OptionType.attachment ? (
        <input id={id} type="file" onChange={(event) => onChange(event.currentTarget.files?.[0])} />
      ) : listed ? (
        <select id={id} class="select" value={text} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">Choose…</option>
          {listed.map((choice) => (
            <option key={String(choice.value)} value={String(choice.value)}>
              {choice.name}
            </option>
          ))}
        </select>
      ) : option.autocomplete ? (
        <Autocomplete id={id} onChange={onChange} choices={choices} />
      ) : (
        <input
          id={id}
          type="text"
          autoComplete="off"
          inputMode={option.type === OptionType.integer ? "numeric" : option.type === OptionType.number ? "decimal" : "text"}
          minLength={option.min_length}
          maxLength={option.max_length ?? MOST}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </div>
  );
}

/** What can be chosen, where that is known before anything is typed. */
function listOf(option: CommandOption): Choice[] | null {
  const among = (type: number) => optionsOf({ type }).map(({ label, value }) => ({ name: label, value }));
  switch (option.type) {
    case OptionType.boolean:
      return ["True", "False"].map((name) => ({ name, value: name.toLowerCase() }));
    case OptionType.user:
      return among(ComponentType.userSelect);
    case OptionType.role:
      return among(ComponentType.roleSelect);
    case OptionType.mentionable:
      return among(ComponentType.mentionableSelect);
    case OptionType.channel:
      return among(ComponentType.channelSelect);
    default:
      return option.choices?.length ? option.choices : null;
  }
}

/** A field that offers what the app says while one types (ARIA Authoring Practices, "Combobox"). */
function Autocomplete({ id, onChange, choices }: { id: string; onChange: (value: string) => void; choices: () => Promise<Choice[]> }) {
  const text = useSignal("");
  const offered = useSignal<Choice[]>([]);
  const active = useSignal(-1);
  const asked = useRef(0);
  const timer = useRef(0);
  const leaving = useRef(0);
  const ask = () => {
    clearTimeout(timer.current);
    const mine = ++asked.current;
    timer.current = window.setTimeout(async () => {
      const found = await choices();
      // An answer that came too late would offer what nobody asked for.
      if (mine === asked.current) {
        offered.value = found;
        active.value = -1;
      }
    }, PAUSE_MS);
  };
  const close = () => {
    asked.current += 1;
    clearTimeout(timer.current);
    offered.value = [];
  };
  useOver(close, offered.value.length > 0);
  const choose = (choice: Choice) => {
    close();
    text.value = choice.name;
    onChange(String(choice.value));
  };
  return (
    <div class="combobox">
      <input
        id={id}
        type="text"
        role="combobox"
        autoComplete="off"
        aria-autocomplete="list"
        aria-expanded={offered.value.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={active.value >= 0 ? `${id}-${active.value}` : undefined}
        value={text.value}
        onFocus={() => {
          clearTimeout(leaving.current);
          ask();
        }}
        onBlur={() => (leaving.current = window.setTimeout(close, STAYS_MS))}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          onChange(text.value);
          ask();
        }}
        onKeyDown={(event) => {
          const count = offered.value.length;
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (count && step) {
            event.preventDefault();
            active.value = (active.value + step + count) % count;
          } else if (count && (event.key === "Enter" || event.key === "Tab")) {
            if (event.key === "Enter") event.preventDefault();
            choose(offered.value[Math.max(active.value, 0)]!);
          } else if (count && event.key === "Escape") {
            event.stopPropagation();
            close();
          }
        }}
      />
      {offered.value.length > 0 && (
        <ul class="picker" id={`${id}-list`} role="listbox" aria-label="Choices">
          {offered.value.map((choice, at) => (
            <li
              key={`${choice.value}`}
              id={`${id}-${at}`}
              role="option"
              aria-selected={at === active.value}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => choose(choice)}
            >
              {choice.name}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
