/** An exchange, as rules are asked about it. */
import type { ExchangeKeys, SubjectInfo } from "../../src/pipeline/subject-info.js";

export interface ExchangeParts {
  readonly method?: string;
  readonly path?: string;
  /** The path if missing. */
  readonly target?: string;
  readonly host?: string;
  readonly upstream?: string;
  readonly status?: number | null;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly queries?: Readonly<Record<string, readonly string[]>>;
  /** Its body, where that came with the head. */
  readonly body?: string;
  readonly bot?: string;
  readonly client?: string;
}

export function exchangeSubject(parts: ExchangeParts = {}): SubjectInfo {
  const { bot = "x", client = "127.0.0.1", headers = {}, queries = {} } = parts;
  const exchange: ExchangeKeys = {
    id: 1,
    method: parts.method ?? "GET",
    path: parts.path ?? "/",
    target: parts.target ?? parts.path ?? "/",
    host: parts.host ?? "localhost",
    upstream: parts.upstream ?? "upstream",
    status: parts.status ?? null,
    headers: (name) => headers[name] ?? [],
    queries: (name) => queries[name] ?? [],
    bodyAhead: () => (parts.body === undefined ? null : Buffer.from(parts.body)),
  };
  return { bot, connection: 1, client, exchange };
}
