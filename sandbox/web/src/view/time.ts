// Times as Discord writes them.

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export function relative(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? (["second", 1] as const);
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

const STYLES: Record<string, Intl.DateTimeFormatOptions> = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

/** A time in one of the styles of `<t:…:style>` (Message Formatting, "Timestamp Styles"). */
export function styled(at: number, style: string): string {
  if (Number.isNaN(new Date(at).getTime())) return "Invalid date";
  return new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.f).format(at);
}

/** When a message was written: today's by the clock, others by the day. */
export function written(at: number, now = Date.now()): string {
  if (Number.isNaN(new Date(at).getTime())) return "Invalid date";
  const day = (time: number) => new Date(time).toDateString();
  if (day(at) === day(now)) return styled(at, "t");
  if (day(at) === day(now - 86_400_000)) return `Yesterday at ${styled(at, "t")}`;
  return `${styled(at, "d")}, ${styled(at, "t")}`;
}

export function dayOf(at: number): string {
  return styled(at, "D");
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} bytes`;
  return size < 1024 * 1024 ? `${(size / 1024).toFixed(1)} kB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}
