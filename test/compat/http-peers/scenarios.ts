/** What every client of the matrix does to every server, and what it says of each answer. */

/** Where a server has what the scenarios ask for; all paths begin with a slash. */
export interface Resources {
  readonly get: string;
  readonly head: string;
  /** Takes the form of `BODY`. */
  readonly post: string;
  /** Redirects to something that is there. */
  readonly redirect: string;
  /** More than all buffers on the way, or as much as the server can make. */
  readonly large: string;
  /** Names the connection that it is asked over; null if the server does not tell. */
  readonly connection: string | null;
}

export interface Outcome {
  readonly scenario: string;
  readonly status: number;
  /** Names in lower case and values, in the order in which they came, where the client can tell. */
  readonly headers: readonly (readonly [string, string])[];
  readonly length: number;
  readonly sha256: string;
}

/** A form, so that Prometheus understands it as well. */
export const BODY = `query=vector(1)&time=0&filler=${"squall ".repeat(3_000).replaceAll(" ", "+")}`;
/** Requests one after the other by a client that keeps its connections. */
export const REUSED = 5;

/** Without what differs between any two calls: the time. */
export function comparable(outcomes: readonly Outcome[]): unknown {
  return outcomes.map(({ headers, ...rest }) => ({
    ...rest,
    headers: headers
      .filter(([name]) => name !== "date")
      .map(([name, value]) => `${name}: ${value}`)
      .sort(),
  }));
}
