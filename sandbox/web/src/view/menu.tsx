// The menu of a message: reactions, what its author may do, and what apps offer.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { RestError } from "../discord/rest.ts";
import type { Command, Message } from "../discord/types.ts";
import { InteractionType } from "../state/acts.ts";
import { alone } from "../state/log.ts";
import { may, maySend, Permission } from "../state/permissions.ts";
import { session } from "../state/session.ts";
import { channels, me } from "../state/world.ts";
import { Sheet } from "./bits.tsx";
import { toggleReaction } from "./reactions.tsx";

const QUICK = ["👍", "❤️", "✅", "🎉", "👀", "😄"];

/** The kind of command that stands in the menu of a message. */
const MESSAGE_COMMAND = 3;

interface Props {
  message: Message;
  onClose: () => void;
  onEdit: () => void;
  onReply: () => void;
}

export function MessageMenu({ message, onClose, onEdit, onReply }: Props) {
  const { rest, acts, log } = opened();
  const commands = useSignal<Command[]>([]);
  const sure = useSignal(false);
  const problem = useSignal("");
  const channel = channels.value.get(message.channel_id);
  useEffect(() => {
    void acts.commands(message.channel_id).then((all) => (commands.value = all.filter((it) => it.type === MESSAGE_COMMAND)));
  }, []);
  if (!channel) return null;
  const private_ = alone(message);
  const mine = message.author.id === me.value?.id;
  const path = `/channels/${message.channel_id}/messages/${message.id}`;
  const call = async (method: "DELETE" | "PUT", path: string) => {
    try {
      await rest.call({ method, path, repeatable: true });
      onClose();
    } catch (error) {
      problem.value = error instanceof RestError ? error.message : "That did not work.";
    }
  };
  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  const use = (command: Command) =>
    void acts.send({
      type: InteractionType.command,
      application: command.application_id,
      channel: channel.id,
      guild: channel.guild_id,
      what: command.name,
      data: { version: command.version, id: command.id, name: command.name, type: MESSAGE_COMMAND, target_id: message.id, options: [] },
    });
  return (
    <Sheet label="What to do with this message" onClose={onClose} class="menu">
      {!private_ && may(channel, Permission.addReactions) && (
        <div class="quick" role="group" aria-label="React">
          {QUICK.map((name) => {
            const own = message.reactions?.some((it) => it.emoji.name === name && it.me) ?? false;
            return (
              <button key={name} type="button" aria-label={`React with ${name}`} aria-pressed={own} onClick={then(() => toggleReaction(message, { name }, own))}>
                {name}
              </button>
            );
          })}
        </div>
      )}
      {!private_ && maySend(channel) && <Item label="Reply" onClick={then(onReply)} />}
      {mine && <Item label="Edit message" onClick={then(onEdit)} />}
      {message.content && <Item label="Copy text" onClick={then(() => void navigator.clipboard?.writeText(message.content).catch(() => {}))} />}
      {!private_ && may(channel, Permission.pin) && (
        <Item label={message.pinned ? "Unpin message" : "Pin message"} onClick={() => void call(message.pinned ? "DELETE" : "PUT", pinPath(message))} />
      )}
      {!private_ && commands.value.length > 0 && <h3>Apps</h3>}
      {!private_ && commands.value.map((command) => <Item key={command.id} label={command.name} onClick={then(() => use(command))} />)}
      {private_ && <Item label="Dismiss message" onClick={then(() => log(message.channel_id).remove([message.id]))} />}
      {!private_ && (mine || may(channel, Permission.manageMessages)) && (
        <Item
          danger
          label={sure.value ? "Really delete it?" : "Delete message"}
          onClick={() => (sure.value ? void call("DELETE", path) : (sure.value = true))}
        />
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </Sheet>
  );
}

const pinPath = (message: Message): string => `/channels/${message.channel_id}/messages/pins/${message.id}`;

function Item({ label, onClick, danger }: { label: string; onClick: () => void; danger?: boolean }) {
  return (
    <button type="button" class={danger ? "menu-item danger" : "menu-item"} onClick={onClick}>
      {label}
    </button>
  );
}

function opened() {
  const open = session.value!;
  return { rest: open.rest, acts: open.acts, log: (channel: string) => open.log(channel) };
}
