/** Addresses as Go's `net` package takes and refuses them, for definitions that Toxiproxy takes. */
import { isIP } from "node:net";
import type { Address } from "../../config/address.js";
import { SquallError } from "../../core/errors.js";

const PORT_MAX = 65_535;

/** `host:port`; an empty text is any free port on all addresses. Throws SQ_LISTEN_FAILED in Go's words. */
export function parseListen(text: string): Address {
  if (text === "") return { host: "", port: 0 };
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

/**
 * What is dialled for each connection. It is not judged before: a text that is no address is a name that
 * has none, and each connection to it ends.
 */
export function parseUpstream(text: string): Address {
  try {
    const { host, port } = split(text);
    if (/^\d{1,5}$/u.test(port) && Number(port) <= PORT_MAX)
      return { host: host === "" ? "localhost" : host, port: Number(port) };
  } catch {
    // As it stands, then.
  }
  return { host: text, port: 0 };
}
