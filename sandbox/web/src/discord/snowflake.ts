// Ids carry their time: the upper bits are milliseconds since 2015 (Discord, "Snowflakes").

import type { Snowflake } from "./types.ts";

const EPOCH_MS = 1420070400000;

/** Which of two ids was given first. */
export function compare(one: Snowflake, other: Snowflake): number {
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}

/** When an id was given, in milliseconds since 1970. */
export function timeOf(id: Snowflake): number {
  return Number(BigInt(id) >> 22n) + EPOCH_MS;
}

let count = 0;

/** A new nonce in the form of Discord's client: a snowflake of our own. */
export function nonce(): Snowflake {
  count = (count + 1) % 4096;
  return String((BigInt(Date.now() - EPOCH_MS) << 22n) + BigInt(Math.floor(Math.random() * 1024) << 12) + BigInt(count));
}
