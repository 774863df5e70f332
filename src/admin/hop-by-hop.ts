/** Which header fields are of one connection, and none of the next one's business (RFC 9110, section 7.6.1): whoever passes a message on leaves them out. */
import type { IncomingHttpHeaders } from "node:http";

/** Whether or not `Connection` names them. Those of authentication are for a proxy (section 11.7), and here it is this daemon. */
const KNOWN: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Where a message goes and where it ends: who names these in `Connection` would have it read otherwise by the next one. */
const OF_MESSAGES: ReadonlySet<string> = new Set(["content-length", "host"]);

/** Answers for a name in lower case whether it is of the connection over which a message with these fields came. */
export function ofConnection(headers: IncomingHttpHeaders): (name: string) => boolean {
  const named = new Set(
    ["connection", "proxy-connection"].flatMap((field) =>
      String(headers[field] ?? "")
        .split(",")
        .map((option) => option.trim().toLowerCase()),
    ),
  );
  return (name) => KNOWN.has(name) || (named.has(name) && !OF_MESSAGES.has(name));
}
