// What was begun and not sent. It stays in its channel while one looks elsewhere, and over a reload;
// each person has their own.

import type { Snowflake } from "../discord/types.ts";

const memory = new Map<string, string>();

const key = (user: Snowflake, channel: Snowflake): string => `draft:${user}:${channel}`;

export function draftOf(user: Snowflake, channel: Snowflake): string {
  const name = key(user, channel);
  try {
    return memory.get(name) ?? sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(user: Snowflake, channel: Snowflake, text: string): void {
  const name = key(user, channel);
  memory.set(name, text);
  try {
    if (text) sessionStorage.setItem(name, text);
    else sessionStorage.removeItem(name);
  } catch {
    // A browser that keeps nothing, or not so much, loses it with the page.
  }
}
