/**
 * Whether a browser could have sent a request. A page can make a name of its own point to this machine (DNS rebinding), and
 * can then write most header fields as it likes; programs do not follow a stranger's names.
 */
import type { IncomingHttpHeaders } from "node:http";

/**
 * What a browser adds by itself. Accept-Language is what gives it away: each browser sends one with each request (Fetch
 * standard, HTTP-network-or-cache fetch), and a page can change its value, but cannot leave it away as it can the others.
 */
const FIELDS: readonly string[] = [
  "accept-language",
  "cookie",
  "dnt",
  "origin",
  "referer",
  "sec-ch-ua",
  "sec-fetch-dest",
  "sec-fetch-site",
  "sec-gpc",
  "upgrade-insecure-requests",
];

/** False only for what no browser sends. */
export function mayBeBrowser(headers: IncomingHttpHeaders): boolean {
  if (isNodeFetch(headers)) return false;
  return (
    FIELDS.some((field) => headers[field] !== undefined) || /mozilla\//iu.test(headers["user-agent"] ?? "")
  );
}

/**
 * Node's `fetch` sends an Accept-Language as well, and a Sec-Fetch-Mode. A browser never sends this one without a
 * Sec-Fetch-Site (Fetch Metadata, section 2), and pages cannot write fields whose names begin with `Sec-`.
 */
function isNodeFetch(headers: IncomingHttpHeaders): boolean {
  return headers["sec-fetch-mode"] !== undefined && headers["sec-fetch-site"] === undefined;
}
