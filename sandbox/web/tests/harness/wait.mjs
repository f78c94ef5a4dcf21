/** How long anything may take that a person waits for, in milliseconds. */
export const PATIENCE_MS = 15_000;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks again until the answer is true, and fails with `what` if it never is. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`It never came true: ${what}`);
    await sleep(50);
  }
}
