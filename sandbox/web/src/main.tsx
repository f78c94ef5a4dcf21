// The sandbox's window: a client of Discord's API and gateway, for people.

import { effect } from "@preact/signals";
import { render } from "preact";
import { titleOf } from "./state/people.ts";
import { here } from "./state/place.ts";
import { allPings } from "./state/reading.ts";
import { begin } from "./state/session.ts";
import { App } from "./view/app.tsx";
import { keptTheme, setTheme } from "./view/people.tsx";
import "./style/base.css";
import "./style/trouble.css";
import "./style/columns.css";
import "./style/message.css";
import "./style/text.css";
import "./style/attached.css";
import "./style/forum.css";
import "./style/controls.css";

effect(() => {
  const calls = allPings.value ? `(${allPings.value}) ` : "";
  document.title = `${calls}${here.value ? `${titleOf(here.value)} · ` : ""}Mission Control`;
});

// Where a keyboard covers the page instead of making it smaller (iOS), the composer moves above it.
visualViewport?.addEventListener("resize", () => {
  const { height, scale } = visualViewport!;
  if (scale === 1) document.documentElement.style.setProperty("--height", `${height}px`);
});

setTheme(keptTheme());
render(<App />, document.getElementById("app")!);
void begin();
