// Addresses that come with messages. Only those of the web become links and pictures.

export function webAddress(given: unknown): string | undefined {
  return typeof given === "string" && /^https?:\/\//.test(given) && URL.canParse(given) ? given : undefined;
}
