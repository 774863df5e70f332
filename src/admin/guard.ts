/**
 * Who may call: checked before anything else looks at a request. The admin port usually listens on
 * loopback without a token, so a web page must not reach it through a name that it made point there.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import { canonicalHostName, fieldText, parseAuthority } from "../core/host-name.js";
import { SquallError } from "../core/errors.js";
import { mayBeBrowser } from "./browser.js";

export interface GuardOptions {
  /** None, or empty: everybody who passes the host check may call. */
  readonly token: string | undefined;
  /**
   * Names that the Host header of a browser may have besides the ones that no stranger can own; `*.example.com` stands
   * for all names below example.com.
   */
  readonly hosts: readonly string[];
}

export class Guard {
  readonly #token: Buffer | null;
  readonly #hosts: ReadonlySet<string>;
  /** What names may end in, with the dot before it. */
  readonly #domains: readonly string[];

  constructor({ token, hosts }: GuardOptions) {
    this.#token = token === undefined || token === "" ? null : digest(token);
    const names = hosts.map((host) => parseAuthority(host).host);
    this.#hosts = new Set(names);
    this.#domains = names.flatMap((name) => (name.startsWith("*.") ? [name.slice(1)] : []));
  }

  get hasToken(): boolean {
    return this.#token !== null;
  }

  /**
   * Throws SQ_FORBIDDEN_HOST, or SQ_BAD_REQUEST for a request that names two hosts. `open`: what is asked for is for
   * everybody, by whatever name.
   */
  checkHost(
    {
      method,
      headers,
      rawHeaders,
      httpVersion,
    }: Pick<IncomingMessage, "method" | "headers" | "rawHeaders" | "httpVersion">,
    open = false,
  ): void {
    const given = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
    if (given.length > 1)
      throw new SquallError("SQ_BAD_REQUEST", "the request has more than one Host header");
    const { host, origin } = headers;
    if (host === undefined && httpVersion !== "1.0")
      throw new SquallError("SQ_BAD_REQUEST", "the request has no Host header");
    // HTTP/1.0 may go without, as health checks do; no browser does.
    if (host !== undefined && !this.#answersTo(host, headers, open)) {
      throw new SquallError(
        "SQ_FORBIDDEN_HOST",
        `the admin port does not answer to the host ${shown(host)}`,
        {
          path: "host",
          hint: "use its address, localhost, or a name listed in admin.hosts; a program that is no browser may use any name",
        },
      );
    }
    if (origin !== undefined && (host === undefined || !sameHost(origin, host))) {
      throw new SquallError("SQ_FORBIDDEN_HOST", `pages of ${shown(origin)} may not call the admin port`, {
        path: "origin",
      });
    }
    // A picture or a script of another page comes without an Origin, and could take up all event streams.
    if (!isOwn(headers["sec-fetch-site"]) && !isVisit(method, headers))
      throw new SquallError("SQ_FORBIDDEN_HOST", "pages of other sites may not call the admin port", {
        path: "sec-fetch-site",
      });
  }

  /** Throws SQ_UNAUTHORIZED. */
  checkToken({ headers }: Pick<IncomingMessage, "headers">): void {
    if (this.#token === null) return;
    const given = tokenIn(headers);
    if (this.#hasToken(headers)) return;
    throw new SquallError(
      "SQ_UNAUTHORIZED",
      given === undefined ? "a token is needed" : "the token is not the right one",
      { hint: "send the header: authorization: Bearer TOKEN" },
    );
  }

  #hasToken(headers: IncomingMessage["headers"]): boolean {
    const given = tokenIn(headers);
    // Digests have one length, so that the time taken tells nothing about the token's.
    return this.#token !== null && given !== undefined && timingSafeEqual(digest(given), this.#token);
  }

  /** A name that a stranger could own is refused where his page could be what asks; no page of his has the token. */
  #answersTo(host: string, headers: IncomingMessage["headers"], open: boolean): boolean {
    const name = hostName(host);
    if (name === null) return false;
    return open || this.#knows(name) || !mayBeBrowser(headers) || this.#hasToken(headers);
  }

  #knows(name: string): boolean {
    // A name without a dot (but the one at its end) is given out by the machine or the local network, never by a stranger's DNS.
    if (isAddress(name) || /^[\w-]+$/u.test(name) || this.#hosts.has(name)) return true;
    return this.#domains.some((domain) => name.endsWith(domain) && name.length > domain.length);
  }
}

/** Whether our own page asks, or the user himself; programs say nothing of the kind. */
function isOwn(site: string | readonly string[] | undefined): boolean {
  return site === undefined || site === "same-origin" || site === "none";
}

/** A link that the user follows: he sees the answer, and the page that had the link does not. */
function isVisit(method: string | undefined, headers: IncomingMessage["headers"]): boolean {
  return (
    method === "GET" && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document"
  );
}

function tokenIn({ authorization = "" }: IncomingMessage["headers"]): string | undefined {
  return /^bearer +(\S+) *$/iu.exec(authorization)?.[1];
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** The host without its port, in its one spelling; null if it is no host at all. */
function hostName(field: string): string | null {
  const [, host] = /^(\[[\da-f:.]+\]|[\w.\u0080-\uffff-]+)(?::\d{0,5})?$/iu.exec(fieldText(field)) ?? [];
  return host === undefined ? null : canonicalHostName(host);
}

function isAddress(name: string): boolean {
  if (name.startsWith("[")) return ipaddr.IPv6.isValid(name.slice(1, -1));
  // Asked of every caller, and of what is no address the library finds out by an exception.
  return /^[\d.]+$/u.test(name) && ipaddr.IPv4.isValidFourPartDecimal(name);
}

function sameHost(origin: string, host: string): boolean {
  const [, scheme, from] = /^(https?):\/\/([^/?#@]+)$/u.exec(origin.toLowerCase()) ?? [];
  if (scheme === undefined || from === undefined) return false;
  const standard = scheme === "http" ? "80" : "443";
  const [one, other] = [parseAuthority(from), parseAuthority(fieldText(host))];
  return one.host === other.host && (one.port ?? standard) === (other.port ?? standard);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
