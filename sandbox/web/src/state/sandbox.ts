// What Discord has no word for: who may be tried, and the console for trouble.

import { RestError } from "../discord/rest.ts";
import { rename } from "./history.ts";

export interface Person {
  name: string;
  id: string;
  operator: boolean;
}

export type Weather = "fair" | "slow" | "rate_limited" | "failing";

export interface Switch {
  name: string;
  label: string;
  on: boolean;
  busy: boolean;
}

export interface Trouble {
  weather: Weather;
  /** Until the weather is fair again by itself. */
  seconds_left: number;
  switches: Switch[];
}

const SECRET = "sandbox-token";

/** The sandbox's token, which came with the address if one is needed. It does not stay there. */
export function secret(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    localStorage.setItem(SECRET, given);
    rename(location.pathname);
  }
  return localStorage.getItem(SECRET) ?? "";
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (secret()) headers["X-Sandbox-Token"] = secret();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/_sandbox${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 204) return undefined as T;
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RestError(answer.status, 0, json.message ?? "The sandbox says no.");
  return json;
}

export const people = (): Promise<Person[]> => ask("GET", "/people");
export const troubles = (): Promise<Trouble> => ask("GET", "/trouble");
export const setWeather = (weather: Weather, seconds: number): Promise<void> => ask("POST", "/faults", { weather, seconds });
export const dropGateways = (): Promise<void> => ask("POST", "/faults", { drop_gateways: true });
export const turn = (name: string, on: boolean): Promise<void> => ask("POST", `/switches/${name}`, { on });
