/**
 * The dashboard under `/ui/`: files that hold no data, so that they need no token. What there is stands in a list that the build wrote
 * (scripts/page.mjs); a path of a request is looked up in it and never goes near the file system.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Request, Response } from "express";
import { SquallError } from "../core/errors.js";
import { leave, type LeavingParts } from "./leaving.js";

const ROOT = "/ui/";
const INDEX = "index.html";
const LIST = "files.json";

/** What the page says of its own files: from where they are asked for, so that a reverse proxy may have all of it under a path. */
const OWN = /(?<=(?:href|src)=")\/ui\//gu;

/** Paths of views, which the page tells apart by itself; the dots of a proxy's or a profile's name are none of an ending. */
const VIEW = /^(?:|lanes|findings|journal|fleet|profiles(?:\/[^/]+)?|exchanges\/[^/]+\/[^/]+)$/u;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The page runs no script and takes no style but its own files, talks to nobody but this daemon, and stands in no frame. Templates are
 * the one thing that may become markup (lit-html makes them of literals in our own code).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  // Asked for again each time, and sent only if it has changed: an update of Squall is seen at once.
  "cache-control": "no-cache",
};

/** Whether this is asked of the page, and not of the API. */
export function isPagePath(path: string): boolean {
  return path.startsWith(ROOT) || path === "/ui";
}

/** Whether somebody opened the admin port itself in a browser; programs get the list of calls. */
export function opensPage(request: Request): boolean {
  return (
    request.path === "/" &&
    (request.method === "GET" || request.method === "HEAD") &&
    request.accepts(["text", "html"]) === "html"
  );
}

export class PageFiles {
  readonly #folder: URL;
  readonly #parts: LeavingParts;
  #names: Promise<ReadonlySet<string>> | null = null;

  /** Nothing is read before somebody asks. */
  constructor(folder: URL, parts: LeavingParts) {
    this.#folder = folder;
    this.#parts = parts;
  }

  /** Sends whoever asked for `/` or `/ui` to the page, relative to that. */
  sendOn(response: Response): void {
    response.status(302).set({ "location": "ui/", "content-length": "0" }).end();
  }

  /** Throws SQ_NOT_FOUND, SQ_METHOD_NOT_ALLOWED, or SQ_INTERNAL where the page was not built. */
  async serve(request: Request, response: Response): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.set("allow", "GET, HEAD");
      throw new SquallError(
        "SQ_METHOD_NOT_ALLOWED",
        `the page takes GET and HEAD, not ${request.method.slice(0, 40)}`,
      );
    }
    if (request.path === "/ui") {
      this.sendOn(response);
      return;
    }
    const asked = request.path.slice(ROOT.length);
    const names = await (this.#names ??= this.#list());
    const name = names.has(asked) ? asked : VIEW.test(asked) ? INDEX : "";
    if (!names.has(name)) throw new SquallError("SQ_NOT_FOUND", "the dashboard has no such view or file");
    await this.#send(name, name === INDEX ? asked.split("/").length - 1 : 0, request, response);
  }

  async #list(): Promise<ReadonlySet<string>> {
    try {
      const text = await readFile(new URL(LIST, this.#folder), "utf8");
      return new Set(JSON.parse(text) as readonly string[]);
    } catch (error) {
      this.#names = null;
      throw unreadable(error);
    }
  }

  /** `depth`: how many segments below `/ui/` it was asked for. */
  async #send(name: string, depth: number, { headers, method }: Request, response: Response): Promise<void> {
    const file = await readFile(new URL(name, this.#folder)).catch((error: unknown) => {
      throw unreadable(error);
    });
    const body =
      name === INDEX ? Buffer.from(file.toString("utf8").replaceAll(OWN, "../".repeat(depth) || "./")) : file;
    const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    response.set({ ...HEADERS, "content-type": TYPES[name.split(".").at(-1) ?? ""] ?? "", "etag": tag });
    if (hasTag(headers["if-none-match"], tag)) {
      response.removeHeader("content-type");
      response.status(304).end();
      return;
    }
    response.status(200).set("content-length", String(body.length));
    if (method === "HEAD") response.end();
    else leave(response, body, this.#parts);
  }
}

/** RFC 9110, section 13.1.2: a list of tags, compared weakly, or `*` for any. */
function hasTag(field: string | undefined, tag: string): boolean {
  if (field === undefined) return false;
  return field.split(",").some((one) => ["*", tag].includes(one.trim().replace(/^W\//u, "")));
}

function unreadable(cause: unknown): SquallError {
  return new SquallError("SQ_INTERNAL", "the files of the dashboard cannot be read", {
    hint: "build Squall again: npm run build",
    cause,
  });
}
