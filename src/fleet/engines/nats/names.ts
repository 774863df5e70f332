/** What a fleet's parts are called in NATS: buckets in the layout of its key-value stores, so that `nats kv` reads them. */

export interface FleetNames {
  /** The streams. */
  readonly plans: string;
  readonly daemons: string;
  readonly journal: string;
  /** Their subjects. */
  readonly plan: string;
  readonly text: (sha256: string) => string;
  readonly texts: string;
  readonly daemon: (name: string) => string;
  readonly anyDaemon: string;
  readonly batch: (daemon: string) => string;
  readonly anyBatch: string;
  /** A message of NATS without a stream, for each plan that is stored. */
  readonly hint: string;
  /** Of the subjects to which replies to this client come. */
  readonly inbox: string;
}

export function namesOf(fleet: string, client: string): FleetNames {
  const bucket = `squall-${fleet}`;
  return {
    plans: `KV_${bucket}`,
    daemons: `KV_${bucket}-daemons`,
    journal: `SQUALL-${fleet}-journal`,
    plan: `$KV.${bucket}.plan`,
    text: (sha256) => `$KV.${bucket}.text.${sha256}`,
    texts: `$KV.${bucket}.text.*`,
    daemon: (name) => `$KV.${bucket}-daemons.${encodeName(name)}`,
    anyDaemon: `$KV.${bucket}-daemons.*`,
    batch: (daemon) => `squall.${fleet}.journal.${encodeName(daemon)}`,
    anyBatch: `squall.${fleet}.journal.*`,
    hint: `squall.${fleet}.hint`,
    inbox: `_INBOX.squall.${fleet}.${encodeName(client)}`,
  };
}

/**
 * A name as one token of a subject, in which dots, blanks and wildcards mean something: what is not a letter, a digit, - or _ is
 * written as = and two hexadecimal digits for each byte of its UTF-8. `node.1` is `node=2e1`.
 */
export function encodeName(name: string): string {
  if (name === "") return "=";
  return [...Buffer.from(name, "utf8")]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[\w-]/u.test(char) ? char : `=${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

/** Null if this encoding never made it. */
export function decodeName(token: string): string | null {
  if (token === "=") return "";
  const bytes: number[] = [];
  for (const [part, hex] of token.matchAll(/=([\da-f]{2})|./gsu))
    bytes.push(hex === undefined ? part.charCodeAt(0) : Number.parseInt(hex, 16));
  const name = Buffer.from(bytes).toString("utf8");
  return encodeName(name) === token ? name : null;
}

/** Of a subject such as `$KV.squall-staging-daemons.node-1`. */
export const lastToken = (subject: string): string => subject.slice(subject.lastIndexOf(".") + 1);
