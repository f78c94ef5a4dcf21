// The browser's history: one place after the other, and above a place what is open there. Back closes
// that first, as an app does.
//
// What is open has an entry of its own, with the address of the place below it. What is closed in another
// way leaves its entry: the next thing that opens has it, the next place takes it, and Back passes it by.

interface Open {
  close: () => void;
  /** Whether it stays when another place is gone to. */
  stays: boolean;
}

/** What is open above the place, the uppermost last. */
let open: Open[] = [];

/** How many entries of open things the browser has from the place up to here. */
let level = levelNow();
let path = location.pathname;
let moved = (): void => {};

function levelNow(): number {
  const kept: unknown = history.state?.level;
  return typeof kept === "number" ? kept : 0;
}

/** `told` is called when Back or Forward has led to another address. */
export function onMove(told: () => void): void {
  moved = told;
}

/** Goes to an address. What is open above the place is closed, unless it stays. */
export function visit(to: string): void {
  closeThose((it) => !it.stays);
  if (to === path) return;
  if (level) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  level = 0;
  path = to;
  raise();
}

/** Says the address of what is looked at anew. */
export function rename(to: string): void {
  history.replaceState(history.state, "", to);
  path = location.pathname;
}

/** Something is open now, until Back closes it, or until what is returned is called. */
export function over(close: () => void, stays = false): () => void {
  const one = { close, stays };
  open.push(one);
  raise();
  return () => (open = open.filter((it) => it !== one));
}

function raise(): void {
  while (level < open.length) history.pushState({ level: ++level }, "");
}

/** Closes some of what is open, the uppermost first; whether there was any. */
function closeThose(which: (one: Open, at: number) => boolean): boolean {
  const gone = open.filter(which).reverse();
  open = open.filter((it) => !gone.includes(it));
  for (const one of gone) one.close();
  return gone.length > 0;
}

addEventListener("popstate", () => {
  const [levelBefore, pathBefore] = [level, path];
  level = levelNow();
  path = location.pathname;
  const closed = closeThose((_, at) => at >= level);
  if (path !== pathBefore) moved();
  // Nobody has seen this step: it was that of something that was closed already.
  else if (!closed && level < levelBefore) history.back();
});
