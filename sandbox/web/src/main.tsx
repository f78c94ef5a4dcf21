// The sandbox's window: a client of Discord's API and gateway, for people.

import { render } from "preact";
import { begin } from "./state/session.ts";
import { App } from "./view/app.tsx";
import { keptTheme, setTheme } from "./view/people.tsx";
import "./style/base.css";
import "./style/columns.css";
import "./style/message.css";
import "./style/controls.css";

setTheme(keptTheme());
render(<App />, document.getElementById("app")!);
void begin();
