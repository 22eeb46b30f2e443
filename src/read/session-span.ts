/** `column` between the first and the last event of `$session`: DuckDB then skips what lies outside without reading it. */
export const withinSession = (column: string): string =>
  `${column} >= (select min(started_at) from session_facts where session = $session) and ${column} <= (select max(last_event_at) from session_facts where session = $session)`;
