// The console for trouble: break something, and watch the mode card say so.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { server } from "../state/place.ts";
import { dropGateways, setWeather, troubles, turn, type Trouble, type Weather } from "../state/sandbox.ts";
import type { Session } from "../state/session.ts";
import { channels, isForum } from "../state/world.ts";
import { IconButton } from "./bits.tsx";
import { MessageView } from "./message.tsx";

/** How long bad weather lasts, in seconds. */
const LASTS = 60;

/** How often the console looks while it is open, in milliseconds. */
const LOOKS = 2000;

const WEATHER: [Weather, string, string][] = [
  ["slow", "Slow Discord", "every call of the bot takes 1.5 s longer"],
  ["rate_limited", "Rate limits", "three of four calls are refused for a second"],
  ["failing", "Errors", "every call is answered with 503"],
];

interface Props {
  session: Session;
  onClose: () => void;
  /** Asks for one more server, where nothing else does. */
  onNewServer?: () => void;
}

export function TroubleConsole({ session, onClose, onNewServer }: Props) {
  const now = useSignal<Trouble | null>(null);
  const problem = useSignal("");
  const busy = useSignal("");
  const look = () =>
    troubles().then(
      (found) => (now.value = found),
      () => (problem.value = "The sandbox does not answer."),
    );
  useEffect(() => {
    void look();
    // The sandbox has no event for its own weather; nobody asks while the console is folded.
    const timer = setInterval(() => void look(), LOOKS);
    return () => clearInterval(timer);
  }, []);
  const make = async (what: string, trouble: Promise<void>) => {
    busy.value = what;
    problem.value = "";
    try {
      await trouble;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : "That did not work.";
    }
    busy.value = "";
    await look();
  };
  const weather = now.value?.weather ?? "fair";
  return (
    <aside class="trouble" aria-label="Console for trouble">
      <header class="bar-top">
        <h2>Make trouble</h2>
        <IconButton icon="close" label="Close the console" onClick={onClose} />
      </header>
      <div class="trouble-inside" tabIndex={0} role="region" aria-label="Mode and troubles">
        <ModeCard session={session} />
        {now.value?.switches.map((it) => (
          <button
            key={it.name}
            type="button"
            class="trouble-item"
            role="switch"
            aria-checked={it.on}
            aria-busy={it.busy || busy.value === it.name}
            onClick={() => {
              if (!it.busy && !busy.value) void make(it.name, turn(it.name, !it.on));
            }}
          >
            <span>
              <strong>{it.label}</strong>
              <span class="quiet">{it.busy || busy.value === it.name ? "one moment…" : it.on ? "running" : "stopped"}</span>
            </span>
            <span class="knob" aria-hidden="true" />
          </button>
        ))}
        {WEATHER.map(([name, label, about]) => (
          <button
            key={name}
            type="button"
            class="trouble-item"
            role="switch"
            aria-checked={weather === name}
            onClick={() => void make(name, setWeather(weather === name ? "fair" : name, LASTS))}
          >
            <span>
              <strong>{label}</strong>
              <span class="quiet">{weather === name ? `for another ${now.value?.seconds_left ?? 0} s` : about}</span>
            </span>
            <span class="knob" aria-hidden="true" />
          </button>
        ))}
        <button type="button" class="trouble-item" onClick={() => void make("gateway", dropGateways())}>
          <span>
            <strong>Drop the gateway</strong>
            <span class="quiet">all connections end, yours too, and come back</span>
          </span>
        </button>
        {onNewServer && (
          <button type="button" class="trouble-item" onClick={onNewServer}>
            <span>
              <strong>New server</strong>
              <span class="quiet">a further one, with Mission Control in it, for another project</span>
            </span>
          </button>
        )}
        {problem.value && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
      </div>
    </aside>
  );
}

/** The newest message of the channel with the mode. */
function ModeCard({ session }: { session: Session }) {
  const all = [...channels.value.values()].filter((it) => it.name === "status" && it.type === 0 && !isForum(it));
  const channel = all.find((it) => it.guild_id === server.value?.id) ?? all[0];
  useEffect(() => {
    if (channel) void session.log(channel.id).open();
  }, [session, channel?.id]);
  if (!channel) return <p class="quiet">There is no channel with the mode.</p>;
  const card = session.log(channel.id).items.value.findLast((it) => it.embeds.length > 0 || it.content);
  return card ? <MessageView message={card} follows={false} quiet /> : <p class="quiet">Nothing has been said about the mode yet.</p>;
}
