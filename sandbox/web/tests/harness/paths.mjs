import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const workspace = fileURLToPath(new URL("../../../..", import.meta.url));

/** Where pictures of the journeys go. */
export const pictures = process.env.CLAWDOS_PAGE_SHOTS ?? join(workspace, "target/page");
mkdirSync(pictures, { recursive: true });

/** The page as it is built. */
export const dist = join(workspace, "sandbox/web/dist");
