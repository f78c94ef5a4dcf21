// Addresses that come with messages. Only those of the web become links and pictures.

export function webAddress(given: unknown): string | undefined {
  return typeof given === "string" && /^https?:\/\//.test(given) && URL.canParse(given) ? given : undefined;
}

/**
 * The address of a file of a message. The sandbox knows itself under one address and may be looked at
 * under another: its own files are asked for where the page came from.
 */
export function fileAddress(given: unknown): string | undefined {
  const address = webAddress(given);
  const path = address && new URL(address).pathname;
  const own = path?.startsWith("/attachments/") && /^(127\.|localhost$|\[::1\]$)/.test(new URL(address!).hostname);
  return own ? path : address;
}
