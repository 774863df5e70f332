/** Addresses as Go's `net` package takes and refuses them, for definitions that Toxiproxy takes. */
import { isIP } from "node:net";
import { parseUpstream as urlUpstream, type Address } from "../../config/address.js";
import { SquallError } from "../../core/errors.js";

const PORT_MAX = 65_535;
/** A path, or what others write for one. */
const UNIX = /^(?:unix:|\/|\.)/iu;
const NO_UNIX = "unix sockets are not supported: expected an address such as 127.0.0.1:3000";

/** `host:port`; an empty text is any free port on all addresses. Throws SQ_LISTEN_FAILED in Go's words. */
export function parseListen(text: string): Address {
  if (text === "") return { host: "", port: 0 };
  if (UNIX.test(text))
    throw new SquallError("SQ_BAD_REQUEST", `bad listen ${JSON.stringify(text.slice(0, 200))}: ${NO_UNIX}`);
  const { host, port } = split(text);
  if (!/^\d*$/u.test(port)) throw refused(`lookup tcp/${port}: unknown port`);
  if (Number(port) > PORT_MAX) throw refused(`address ${port}: invalid port`);
  if (host.includes(":") && isIP(host) !== 6) throw refused(`address ${text}: invalid host`);
  return { host: listenHost(host), port: Number(port) };
}

/** All addresses of the machine are those of both families; localhost is an address before it is a name. */
function listenHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "";
  return host.toLowerCase() === "localhost" ? "127.0.0.1" : host;
}

function split(text: string): { host: string; port: string } {
  const bracketed = /^\[([^\]]*)\]:([^:]*)$/u.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const colon = text.lastIndexOf(":");
  if (colon < 0 || /^\[[^\]]*\]$/u.test(text)) throw refused(`address ${text}: missing port in address`);
  const host = text.slice(0, colon);
  if (/[:[\]]/u.test(host)) throw refused(`address ${text}: too many colons in address`);
  return { host, port: text.slice(colon + 1) };
}

function refused(why: string): SquallError {
  return new SquallError("SQ_LISTEN_FAILED", `listen tcp: ${why}`);
}

/** The server behind a proxy of the API. */
export interface ApiUpstream {
  /** null where only an address was given, which says nothing of how it is spoken to. */
  readonly protocol: "tcp" | "http" | null;
  /** Whether it is dialled with TLS. */
  readonly tls: boolean;
  readonly address: Address;
}

/**
 * What is dialled for each connection: `host:port`, `:port` of this machine, or what squall.yaml takes for tcp and http
 * proxies. 2.12 takes any text and ends each connection to what is none; nobody means that. Throws SQ_BAD_REQUEST.
 */
export function parseUpstream(text: string): ApiUpstream {
  const bare = text.startsWith(":") ? `localhost${text}` : text;
  const found = urlUpstream(SCHEME.test(bare) ? bare : `tcp://${bare}`);
  // What has a path is no address, although a URL may have a slash there.
  if (typeof found === "string" || (!SCHEME.test(bare) && bare.includes("/")))
    throw badUpstream(text, mistakeOf(text, typeof found === "string" ? found : ""));
  const { protocol, tls, address } = found;
  if (protocol === "udp" || protocol === "dns")
    throw badUpstream(
      text,
      `proxies of this API speak TCP or HTTP; a ${protocol} proxy is made in squall.yaml`,
    );
  return { protocol: SCHEME.test(bare) ? protocol : null, tls, address };
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//iu;

function badUpstream(text: string, why: string): SquallError {
  // It may be a URL with a password in it.
  const shown = text.includes("@") ? "" : ` ${JSON.stringify(text.slice(0, 200))}`;
  return new SquallError("SQ_BAD_REQUEST", `bad upstream${shown}: ${why}`);
}

function mistakeOf(text: string, known: string): string {
  if (known !== "") return known;
  if (UNIX.test(text)) return NO_UNIX;
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(text) ?? [];
  if (scheme !== undefined && !/^(?:tcp|https?)$/u.test(scheme))
    return `expected host:port, or http://host:port for an http proxy, not ${scheme.slice(0, 20)}://`;
  const rest = text.replace(SCHEME, "");
  const [, port] = /:([^:\]/]*)$/u.exec(rest) ?? [];
  if (rest.includes("/")) return "expected host:port, without a path";
  if (port === undefined || port === "" || /^\[[^\]]*\]$/u.test(rest))
    return "the port is missing: expected host:port such as 127.0.0.1:3000";
  if (/^[a-z]/iu.test(port)) return "ports are numbers here: 127.0.0.1:80, not 127.0.0.1:http";
  if (/^\d+$/u.test(port) && (Number(port) > PORT_MAX || Number(port) === 0))
    return `ports go from 1 to ${PORT_MAX}`;
  return "expected host:port such as 127.0.0.1:3000 or [::1]:3000";
}
