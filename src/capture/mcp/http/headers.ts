/** Headers that belong to one connection and not to the message (RFC 9110, 7.6.1), in lower case. */
const HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** Names that a Connection header adds to those. */
function namedIn(raw: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (let k = 0; k < raw.length; k += 2)
    if (raw[k]!.toLowerCase() === "connection")
      for (const name of raw[k + 1]!.split(",")) named.add(name.trim().toLowerCase());
  return named;
}

/** Headers as they came, in their order and case, without those of the connection and `without`. */
export function passed(raw: readonly string[], without: readonly string[] = []): string[] {
  const named = namedIn(raw);
  const out: string[] = [];
  for (let k = 0; k < raw.length; k += 2) {
    const name = raw[k]!.toLowerCase();
    if (!HOP.has(name) && !named.has(name) && !without.includes(name)) out.push(raw[k]!, raw[k + 1]!);
  }
  return out;
}
