// Slash commands: a list to pick from, and a form for the options of one.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { OptionType, type Channel, type Command, type CommandOption } from "../discord/types.ts";
import { InteractionType } from "../state/acts.ts";
import type { Session } from "../state/session.ts";
import { IconButton, useOver } from "./bits.tsx";
import { OptionField } from "./options.tsx";

/** Entries that the list shows at once. */
const SHOWN = 12;

/** How often a server without commands is asked again while somebody wants one, and how long after, in milliseconds. */
const TRIES = 10;
const AGAIN_MS = 1000;

/** A command as one uses it: with the names of what lies below it. */
export interface Entry {
  command: Command;
  /** The names of group and subcommand. */
  path: string[];
  title: string;
  description: string;
  options: CommandOption[];
}

/** The slash commands of a channel, asked for when somebody types "/". */
export function useCommands(session: Session, channel: string, wanted: boolean): Entry[] {
  const entries = useSignal<Entry[]>([]);
  useEffect(() => {
    if (!wanted) return;
    let timer = 0;
    let over = false;
    const look = async (tries: number) => {
      const all = await session.acts.commands(channel);
      if (over) return;
      entries.value = all.filter((it) => it.type === 1).flatMap(entriesOf);
      // An app that has just come in tells its commands in a moment.
      if (!all.length && tries > 1) timer = window.setTimeout(() => void look(tries - 1), AGAIN_MS);
    };
    void look(TRIES);
    return () => {
      over = true;
      clearTimeout(timer);
      entries.value = [];
    };
  }, [session, channel, wanted]);
  return entries.value;
}

function entriesOf(command: Command): Entry[] {
  const below = (options: CommandOption[], path: string[]): Entry[] =>
    options.flatMap((option) => {
      const here = [...path, option.name];
      if (option.type === OptionType.group) return below(option.options ?? [], here);
      return [{ command, path: here, title: [command.name, ...here].join(" "), description: option.description, options: option.options ?? [] }];
    });
  const options = command.options ?? [];
  if (options.some((option) => option.type <= OptionType.group)) return below(options, []);
  return [{ command, path: [], title: command.name, description: command.description, options }];
}

/** The entries that fit what is typed. */
export function matching(entries: Entry[], text: string): Entry[] {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const typed = text.slice(1).trimEnd().toLowerCase();
  const found = entries.filter((entry) => entry.title.includes(typed));
  const begins = (entry: Entry) => (entry.title.startsWith(typed) ? 0 : 1);
  return found.sort((one, other) => begins(one) - begins(other) || one.title.localeCompare(other.title)).slice(0, SHOWN);
}

export function CommandList({ entries, active, onChoose }: { entries: Entry[]; active: number; onChoose: (entry: Entry) => void }) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <ul class="picker" id="commands" role="listbox" aria-label="Commands" tabIndex={0} ref={list}>
      {entries.map((entry, at) => (
        <li
          key={entry.title}
          id={`command-${at}`}
          role="option"
          aria-selected={at === active}
          // Before the field loses the focus, so that a phone's keyboard stays.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onChoose(entry)}
        >
          <strong>/{entry.title}</strong>
          <span class="quiet">{entry.description}</span>
        </li>
      ))}
    </ul>
  );
}

/** What was given for an option; files are kept apart. */
export type Given = Record<string, string | File>;

interface FormProps {
  session: Session;
  channel: Channel;
  entry: Entry;
  onClose: () => void;
}

export function CommandForm({ session, channel, entry, onClose }: FormProps) {
  const given = useSignal<Given>({});
  const added = useSignal<readonly string[]>([]);
  const problem = useSignal("");
  const form = useRef<HTMLFormElement>(null);
  useOver(onClose);
  useEffect(() => {
    const fields = form.current?.querySelector<HTMLElement>("input, select");
    (fields ?? form.current?.querySelector<HTMLElement>("[type=submit]"))?.focus();
  }, [added.value]);
  const shown = entry.options.filter((option) => option.required || added.value.includes(option.name));
  const hidden = entry.options.filter((option) => !shown.includes(option));
  const asked = (type: number, focused?: string) => {
    const files: File[] = [];
    const values = shown.flatMap((option) => optionValue(option, given.value[option.name], files, focused));
    const nested = entry.path.reduceRight<unknown[]>((inner, name, at) => {
      const kind = at === entry.path.length - 1 ? OptionType.sub : OptionType.group;
      return [{ type: kind, name, options: inner }];
    }, values);
    const { command } = entry;
    const attachments = files.map((file, id) => ({ id: String(id), filename: file.name }));
    const data = { version: command.version, id: command.id, name: command.name, type: 1, options: nested, attachments };
    return { type, application: command.application_id, channel: channel.id, guild: channel.guild_id, what: `/${entry.title}`, data, files };
  };
  const sending = useRef(false);
  const submit = async () => {
    // Two clicks are one command.
    if (sending.current) return;
    const missing = shown.find((option) => option.required && given.value[option.name] === undefined);
    if (missing) {
      problem.value = `${missing.name} is needed.`;
      return;
    }
    sending.current = true;
    const taken = await session.acts.send(asked(InteractionType.command));
    sending.current = false;
    if (taken) onClose();
    else problem.value = session.acts.all.value.findLast((it) => it.what === `/${entry.title}`)?.error ?? "That did not work.";
  };
  return (
    <form
      ref={form}
      class="composer command"
      aria-label={`Command ${entry.title}`}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <p class="bar">
        <strong>/{entry.title}</strong> <span class="quiet">{entry.description}</span>
        <IconButton icon="close" label="Do not use this command" onClick={onClose} />
      </p>
      {shown.map((option) => (
        <OptionField
          key={option.name}
          option={option}
          value={given.value[option.name]}
          onChange={(value) => {
            problem.value = "";
            const { [option.name]: _, ...others } = given.value;
            given.value = value === undefined || value === "" ? others : { ...others, [option.name]: value };
          }}
          choices={() => session.acts.choices(asked(InteractionType.autocomplete, option.name))}
        />
      ))}
      {hidden.length > 0 && (
        <div class="row">
          {hidden.map((option) => (
            <button key={option.name} type="button" class="button secondary" title={option.description} onClick={() => (added.value = [...added.value, option.name])}>
              + {option.name}
            </button>
          ))}
        </div>
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="row end">
        <button type="submit" class="button primary">
          Send command
        </button>
      </div>
    </form>
  );
}

function optionValue(option: CommandOption, value: string | File | undefined, files: File[], focused?: string): unknown[] {
  const typing = option.name === focused;
  if (value === undefined && !typing) return [];
  const base = { type: option.type, name: option.name, ...(typing ? { focused: true } : {}) };
  if (value instanceof File) {
    files.push(value);
    return [{ ...base, value: String(files.length - 1) }];
  }
  const text = value ?? "";
  if (option.type === OptionType.boolean) return [{ ...base, value: text === "true" }];
  // While one types, a number may not be one yet.
  const numeric = option.type === OptionType.integer || option.type === OptionType.number;
  return [{ ...base, value: numeric && text !== "" && Number.isFinite(Number(text)) ? Number(text) : text }];
}
