// What can be pressed and chosen on a message.

import { useSignal } from "@preact/signals";
import { ComponentType, type Channel, type Component, type Message, type PartialEmoji, type SelectOption, type User } from "../discord/types.ts";
import { InteractionType } from "../state/acts.ts";
import { members, nameOf, roles, titleOf } from "../state/people.ts";
import { may, Permission } from "../state/permissions.ts";
import { server } from "../state/place.ts";
import { session } from "../state/session.ts";
import { channels } from "../state/world.ts";
import { webAddress } from "./address.ts";
import { Sheet } from "./bits.tsx";
import { Markdown } from "./markdown.tsx";

/** Button styles (Component Reference, "Button Styles"). */
const STYLES = ["", "primary", "secondary", "success", "danger", "link", "primary"];
const LINK = 5;

export function Components({ message }: { message: Message }) {
  return <div class="components">{message.components?.map((part, at) => <Part key={at} part={part} message={message} />)}</div>;
}

function Part({ part, message }: { part: Component; message: Message }) {
  switch (part.type) {
    case ComponentType.row:
      return <div class="row">{part.components?.map((inner, at) => <Part key={at} part={inner} message={message} />)}</div>;
    case ComponentType.button:
      return <Button button={part} message={message} />;
    case ComponentType.text:
      return (
        <div class="text-part">
          <Markdown text={part.content ?? ""} />
        </div>
      );
    case ComponentType.section:
    case ComponentType.container:
      return (
        <div class="container">
          {part.components?.map((inner, at) => <Part key={at} part={inner} message={message} />)}
          {part.accessory && <Part part={part.accessory} message={message} />}
        </div>
      );
    default:
      return isSelect(part.type) ? <Select select={part} message={message} /> : null;
  }
}

async function act(message: Message, component: Component, values?: string[]): Promise<void> {
  const acts = session.value?.acts;
  await acts?.send({
    type: InteractionType.component,
    application: await acts.application(message),
    channel: message.channel_id,
    guild: channels.value.get(message.channel_id)?.guild_id,
    message: { id: message.id, flags: message.flags ?? 0 },
    what: component.custom_id ?? "",
    data: { component_type: component.type, custom_id: component.custom_id, values },
  });
}

export function emojiText(emoji: PartialEmoji | undefined): string {
  return emoji?.id ? `:${emoji.name}:` : (emoji?.name ?? "");
}

function Button({ button, message }: { button: Component; message: Message }) {
  const label = [emojiText(button.emoji), button.label].filter(Boolean).join(" ");
  if (button.style === LINK) {
    const url = webAddress(button.url);
    return (
      <a class="button link" href={url} target="_blank" rel="noopener noreferrer" title={url}>
        {label} <span aria-hidden="true">↗</span>
      </a>
    );
  }
  const waits = session.value?.acts.waits(message.id, button.custom_id ?? "") ?? false;
  return (
    <button
      type="button"
      class={`button ${STYLES[button.style ?? 2] ?? "secondary"}`}
      disabled={button.disabled}
      aria-busy={waits}
      onClick={() => {
        if (!waits) void act(message, button);
      }}
    >
      {label}
    </button>
  );
}

/** The kinds of lists that one chooses from. */
export function isSelect(type: number): boolean {
  return type === ComponentType.stringSelect || (type >= ComponentType.userSelect && type <= ComponentType.channelSelect);
}

/** What a list offers: the app's own options, or the people, roles and channels that are there. */
export function optionsOf(select: Component): SelectOption[] {
  // Two people may have one name for show, and none has another one's own.
  const person = (user: User) => ({ value: user.id, label: nameOf(user), description: user.bot ? "app" : nameOf(user) === user.username ? undefined : user.username });
  const people = () => [...members.value.values()].flatMap(({ user }) => (user ? [person(user)] : []));
  const all = () => [...roles.value.values()].map((role) => ({ value: role.id, label: `@${role.name.replace(/^@/, "")}` }));
  const fits = (it: Channel) => it.guild_id && it.guild_id === server.value?.id && may(it, Permission.view) && (select.channel_types?.includes(it.type) ?? true);
  const places = () => [...channels.value.values()].filter(fits).map((it) => ({ value: it.id, label: `#${titleOf(it)}` }));
  switch (select.type) {
    case ComponentType.userSelect:
      return people();
    case ComponentType.roleSelect:
      return all();
    case ComponentType.mentionableSelect:
      return [...people(), ...all()];
    case ComponentType.channelSelect:
      return places();
    default:
      return select.options ?? [];
  }
}

/** An option in a line of its own. */
const lineOf = (option: SelectOption): string => [emojiText(option.emoji), option.label, option.description && `— ${option.description}`].filter(Boolean).join(" ");

/** What is chosen already, by the app's word. */
function chosenIn(select: Component): string[] {
  return [...(select.options ?? []).filter((it) => it.default).map((it) => it.value), ...(select.default_values ?? []).map((it) => it.id)];
}

/** Names that a button bears at most. */
const NAMED = 3;

/** A list's name, and who or what is chosen in it. */
function titleWith(placeholder: string, options: SelectOption[], given: string[]): string {
  if (!given.length) return placeholder;
  const names = given.slice(0, NAMED).map((value) => options.find((it) => it.value === value)?.label ?? "somebody");
  const more = given.length - names.length;
  return `${placeholder} (${names.join(", ")}${more ? ` and ${more} more` : ""})`;
}

function Select({ select, message }: { select: Component; message: Message }) {
  const open = useSignal(false);
  const waits = session.value?.acts.waits(message.id, select.custom_id ?? "") ?? false;
  const placeholder = select.placeholder || "Make a selection";
  const options = optionsOf(select);
  const given = chosenIn(select);
  if ((select.max_values ?? 1) > 1) {
    return (
      <>
        <button type="button" class="button secondary" disabled={select.disabled} aria-busy={waits} aria-haspopup="dialog" onClick={() => (open.value = true)}>
          {titleWith(placeholder, options, given)}
        </button>
        {open.value && (
          <Sheet label={placeholder} onClose={() => (open.value = false)}>
            <h2>{placeholder}</h2>
            <Checklist
              select={select}
              onDone={(values) => {
                open.value = false;
                void act(message, select, values);
              }}
            />
          </Sheet>
        )}
      </>
    );
  }
  return (
    <select
      class="select"
      aria-label={placeholder}
      aria-busy={waits}
      disabled={select.disabled || waits}
      value={given[0] ?? ""}
      onChange={(event) => {
        const { value } = event.currentTarget;
        // What stands there is what the app says, until it says something else.
        event.currentTarget.value = given[0] ?? "";
        if (value || select.min_values === 0) void act(message, select, value ? [value] : []);
      }}
    >
      <option value="">{placeholder}</option>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {lineOf(option)}
        </option>
      ))}
    </select>
  );
}

/** From how many options on a list can be searched. */
const SEARCHED = 12;

/** Several from a list. */
function Checklist({ select, onDone }: { select: Component; onDone: (values: string[]) => void }) {
  const given = chosenIn(select);
  const offered = optionsOf(select);
  // Who has left can be taken out all the same.
  const gone = given.filter((value) => !offered.some((it) => it.value === value)).map((value) => ({ value, label: `Not here any more: ${value}` }));
  const chosen = useSignal<readonly string[]>(given);
  const wanted = useSignal("");
  const all = [...gone, ...offered];
  const shown = all.filter((it) => lineOf(it).toLowerCase().includes(wanted.value.trim().toLowerCase()));
  const enough = chosen.value.length >= (select.min_values ?? 1) && chosen.value.length <= (select.max_values ?? 1);
  return (
    <form
      method="dialog"
      class="checklist"
      onSubmit={(event) => {
        event.preventDefault();
        onDone([...chosen.value]);
      }}
    >
      {all.length > SEARCHED && (
        <div class="form-field">
          <input type="search" aria-label="Search" placeholder="Search" autoComplete="off" value={wanted.value} onInput={(event) => (wanted.value = event.currentTarget.value)} />
        </div>
      )}
      {!shown.length && <p class="quiet">Nothing here is called that.</p>}
      {shown.map((option) => (
        <label key={option.value} class="check">
          <input
            type="checkbox"
            checked={chosen.value.includes(option.value)}
            onChange={(event) => {
              const others = chosen.value.filter((it) => it !== option.value);
              chosen.value = event.currentTarget.checked ? [...others, option.value] : others;
            }}
          />
          {lineOf(option)}
        </label>
      ))}
      <button type="submit" class="button primary" disabled={!enough}>
        Done
      </button>
    </form>
  );
}
