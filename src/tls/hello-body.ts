/**
 * What a ClientHello says (RFC 8446, section 4.1.2), read from the whole message. Everything that is taken from it is checked against
 * its lengths; what nothing depends on is passed over, as a server does with extensions that it does not know.
 */
import { isIP } from "node:net";
import { TLS_VERSIONS, type Hello, type TlsVersion } from "../faults/contract/index.js";
import { Cursor, Malformed } from "./cursor.js";

/** The extensions that are read (RFC 8446, section 4.2; RFC 5077, section 3.2). */
const EXTENSION = {
  server_name: 0,
  status_request: 5,
  application_layer_protocol_negotiation: 16,
  session_ticket: 35,
  pre_shared_key: 41,
  supported_versions: 43,
} as const;

const READ: ReadonlySet<number> = new Set(Object.values(EXTENSION));
const NO_EXTENSIONS: ReadonlyMap<number, Buffer> = new Map();

/** Their numbers on the wire. GREASE (RFC 8701) and SSL 3.0 are none of them. */
const VERSION_OF: ReadonlyMap<number, TlsVersion> = new Map([
  [0x0301, "1.0"],
  [0x0302, "1.1"],
  [0x0303, "1.2"],
  [0x0304, "1.3"],
]);
const TLS_1_2 = 0x0303;

const HOST_NAME = 0;
const OCSP = 1;

/** What DNS names are made of; the underscore is none of it (RFC 1123, section 2.1), and yet stands in names of services. */
const LABEL = /^[a-z0-9_-]{1,63}$/u;
const NAME_CHARACTERS_MAX = 253;

/** Reads the message behind its type and length. Throws `Malformed`. */
export function parseHello(body: Buffer): Hello {
  const hello = new Cursor(body, "the ClientHello");
  const legacyVersion = hello.number(2);
  hello.take(32); // random
  const sessionId = hello.vector(1, "its session ID", 0, 32).rest();
  const suites = hello.vector(2, "its list of cipher suites", 2).left;
  if (suites % 2 !== 0) throw new Malformed("its list of cipher suites ends in the middle of one");
  hello.vector(1, "its list of compression methods", 1);
  // Clients from before RFC 4366 end here.
  const extensions = hello.left === 0 ? NO_EXTENSIONS : extensionsOf(hello);
  hello.finish();

  const of = <T>(type: keyof typeof EXTENSION, read: (field: Cursor) => T, absent: T): T => {
    const bytes = extensions.get(EXTENSION[type]);
    return bytes === undefined ? absent : read(new Cursor(bytes, `its extension ${type}`));
  };
  const versions = of("supported_versions", supportedVersions, null) ?? upTo(legacyVersion);
  return {
    sni: of("server_name", serverName, null),
    alpn: of("application_layer_protocol_negotiation", protocols, []),
    versions,
    asksStatus: of("status_request", (field) => field.left > 0 && field.number(1) === OCSP, false),
    resumes:
      extensions.has(EXTENSION.pre_shared_key) ||
      of("session_ticket", (field) => field.left > 0, false) ||
      // In TLS 1.3 the ID means nothing (RFC 8446, appendix D.4).
      (sessionId.length > 0 && !versions.includes("1.3")),
  };
}

/** None may come twice (RFC 8446, section 4.2): whoever reads the first and whoever reads the last would not see the same. */
function extensionsOf(hello: Cursor): ReadonlyMap<number, Buffer> {
  const list = hello.vector(2, "its list of extensions");
  const seen = new Set<number>();
  const found = new Map<number, Buffer>();
  while (list.left > 0) {
    const type = list.number(2);
    if (seen.has(type)) throw new Malformed(`its extension ${type} comes twice`);
    seen.add(type);
    // Most say nothing that is asked for: no view of their bytes is made.
    if (READ.has(type)) found.set(type, list.vector(2, `its extension ${type}`).rest());
    else list.pass(2, type);
  }
  return found;
}

/** RFC 6066, section 3. There is one name: other kinds of it were never defined, and OpenSSL refuses a second entry, too. */
function serverName(field: Cursor): string | null {
  const list = field.vector(2, "its list of server names", 1);
  field.finish();
  if (list.number(1) !== HOST_NAME) throw new Malformed("its server name is of an unknown kind");
  const name = list.vector(2, "its server name", 1).rest();
  list.finish();
  return hostName(name.toString("latin1"));
}

/** In lower case and without the dot at the end, which names the same host; null for an address and for what no DNS name can be. */
function hostName(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/u, "");
  if (name.length > NAME_CHARACTERS_MAX || isIP(name) !== 0) return null;
  return name.split(".").every((label) => LABEL.test(label)) ? name : null;
}

/** RFC 7301, section 3.1. Names are octets: those that are no ASCII stand as Latin-1. */
function protocols(field: Cursor): readonly string[] {
  const list = field.vector(2, "its list of protocols", 2);
  field.finish();
  const names: string[] = [];
  while (list.left > 0) names.push(list.vector(1, "a protocol's name", 1).rest().toString("latin1"));
  return names;
}

/** RFC 8446, section 4.2.1: with this extension the field at the beginning is not looked at. */
function supportedVersions(field: Cursor): readonly TlsVersion[] {
  const list = field.vector(1, "its list of versions", 2);
  field.finish();
  if (list.left % 2 !== 0) throw new Malformed("its list of versions ends in the middle of one");
  const offered = new Set<TlsVersion | undefined>();
  while (list.left > 0) offered.add(VERSION_OF.get(list.number(2)));
  return TLS_VERSIONS.filter((version) => offered.has(version));
}

/** All up to the one that it names, and never 1.3 (RFC 5246, appendix E.1). */
function upTo(legacyVersion: number): readonly TlsVersion[] {
  const highest = Math.min(legacyVersion, TLS_1_2);
  return [...VERSION_OF].filter(([number]) => number <= highest).map(([, version]) => version);
}
