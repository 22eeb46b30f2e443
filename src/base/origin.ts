const nameOf = (host: string): string => host.replace(/:\d+$/, "").toLowerCase();

/** Hosts that requests to a port of this machine may name. */
export const hostsAt = (port: number): string[] => [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];

/** Whether a Host value is one of those allowed: with its port where the list names one, else by name alone. */
const allowed = (hosts: readonly string[], host: string): boolean =>
  hosts.some((known) => known.toLowerCase() === host.toLowerCase() || known.toLowerCase() === nameOf(host));

/**
 * Why a request is refused that names another host (a page that had its name point here) or comes from a page of another origin; undefined where
 * it is not.
 */
export function refusalOf(hosts: readonly string[], host: string, origin: string | undefined): string | undefined {
  if (!allowed(hosts, host)) return `the host ${host.slice(0, 100)} is not allowed`;
  const own = (scheme: string): boolean => origin?.toLowerCase() === `${scheme}://${host}`.toLowerCase();
  if (origin === undefined || own("http") || own("https")) return undefined;
  return `requests from ${origin.slice(0, 100)} are not allowed`;
}
