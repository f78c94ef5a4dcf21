// Discord's REST API, as a person's client uses it.

const BASE = "/api/v10";

/** How often a request is tried again when it is rate limited or its answer is lost. */
const TRIES = 4;

/** How long an answer may take, in milliseconds. */
const PATIENCE = 20_000;

/** What Discord, or the way to it, said no with. */
export class RestError extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Discord's code (Opcodes and Status Codes, "JSON Error Codes"). */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  files?: File[];
  /** Whether doing it twice is the same as doing it once: then a lost answer is asked for again. */
  repeatable?: boolean;
}

export class Rest {
  constructor(private readonly token: string) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>({ method: "GET", path, repeatable: true });
  }

  /** Makes a request; waits as long as Discord asks when it is rate limited. */
  async call<T>(call: Call): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      const answer = await this.attempt(call).catch(() => null);
      const again = tried < TRIES;
      if (!answer || answer.status >= 500) {
        if (again && call.repeatable) {
          await pause(300 * 2 ** tried);
          continue;
        }
        throw new RestError(answer?.status ?? 0, 0, answer ? "Discord does not work right now." : "Discord cannot be reached.");
      }
      if (answer.status === 204) return undefined as T;
      const json = await answer.json().catch(() => ({}));
      if (answer.ok) return json as T;
      if (answer.status === 429 && again) {
        await pause(Math.min(Number(json.retry_after) || 1, 10) * 1000);
        continue;
      }
      throw new RestError(answer.status, json.code ?? 0, reason(json) || `Discord says ${answer.status}.`);
    }
  }

  private attempt({ method, path, body, files }: Call): Promise<Response> {
    const headers: Record<string, string> = { Authorization: this.token };
    let payload: BodyInit | undefined;
    if (files?.length) {
      const form = new FormData();
      form.append("payload_json", JSON.stringify(body ?? {}));
      files.forEach((file, at) => form.append(`files[${at}]`, file, file.name));
      payload = form;
    } else if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      payload = JSON.stringify(body);
    }
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(BASE + path, { method, headers, body: payload, signal });
  }
}

/** The first thing that a form error names, else the message. */
function reason(json: { message?: string; errors?: unknown }): string {
  return deepest(json.errors) ?? json.message ?? "";
}

function deepest(errors: unknown): string | undefined {
  if (!errors || typeof errors !== "object") return undefined;
  for (const [key, inner] of Object.entries(errors)) {
    const found = key === "_errors" && Array.isArray(inner) ? inner[0]?.message : deepest(inner);
    if (found) return found;
  }
  return undefined;
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Discord's own way in; the page keeps the token in memory only. */
export async function login(name: string, password: string): Promise<string> {
  const answer = await fetch(`${BASE}/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ login: name, password }),
  });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RestError(answer.status, json.code ?? 0, reason(json));
  return json.token;
}
