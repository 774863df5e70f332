/** The dashboard's files as the admin port serves them: who gets them, with which headers, and that there is no way around the list. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAGE_FOLDER } from "../../src/page-folder.js";
import { AdminLab } from "./admin-lab.js";

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const files = JSON.parse(readFileSync(new URL("files.json", PAGE_FOLDER), "utf8")) as readonly string[];

describe("the dashboard's files", () => {
  let here: AdminLab;
  beforeAll(async () => {
    here = await AdminLab.open({ token: "secret" });
  });
  afterAll(async () => {
    await here.close();
  });
  const get = (path: string, headers: Record<string, string> = {}): ReturnType<AdminLab["get"]> =>
    here.get(path, { headers, unchecked: true });
  /** The lab sends its token where nothing else is said. */
  const NOBODY = { authorization: "" };

  it("are less than 80 kB together, as they would travel", () => {
    const sizes = files.map(
      (name) => gzipSync(readFileSync(new URL(name, PAGE_FOLDER)), { level: 9 }).length,
    );
    expect(sizes.reduce((all, one) => all + one, 0)).toBeLessThan(80_000);
  });

  it("are given to whoever asks, without a token, since they hold no data", async () => {
    for (const [path, script] of [
      ["/ui/", "./app.js"],
      ["/ui/lanes", "./app.js"],
      ["/ui/journal", "./app.js"],
      ["/ui/profiles/lost-ack", "../app.js"],
      ["/ui/exchanges/jobs/17", "../../app.js"],
    ] as const) {
      const { status, headers, text } = await get(path, NOBODY);
      expect(status, path).toBe(200);
      expect(headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(text).toContain(`<script type="module" src="${script}">`);
      expect(text).not.toContain('"/ui/');
    }
    expect((await get("/status", NOBODY)).status).toBe(401);
  });

  it("are each of its type, with what keeps a browser in bounds", async () => {
    const types = {
      js: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      svg: "image/svg+xml",
      html: "text/html; charset=utf-8",
    };
    for (const name of files) {
      const { status, headers } = await get(`/ui/${name}`);
      expect(status, name).toBe(200);
      expect(headers["content-type"], name).toBe(types[name.split(".").at(-1) as "js"]);
      expect(headers).toMatchObject({
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cross-origin-resource-policy": "same-origin",
      });
    }
    const policy = String((await get("/ui/")).headers["content-security-policy"]).split("; ");
    expect(policy).toEqual([
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
    ]);
  });

  it("have nothing inline that the policy would refuse", async () => {
    const { text } = await get("/ui/");
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/u);
    for (const [, url = ""] of text.matchAll(/(?:src|href)="([^"]+)"/gu))
      expect(files).toContain(url.replace("./", ""));
  });

  it("are sent again only when they have changed", async () => {
    const first = await get("/ui/");
    const tag = String(first.headers["etag"]);
    expect(tag).toMatch(/^"[\w-]{22}"$/u);
    for (const held of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const again = await get("/ui/", { "if-none-match": held });
      expect([again.status, again.text, again.headers["etag"]], held).toEqual([304, "", tag]);
      expect(again.headers["content-security-policy"]).toBeDefined();
    }
    expect((await get("/ui/", { "if-none-match": '"other"' })).status).toBe(200);
    const head = await here.call("HEAD", "/ui/", { unchecked: true });
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([
      200,
      "",
      String(Buffer.byteLength(first.text)),
    ]);
  });

  it.each([
    "/ui/../package.json",
    "/ui/..%2f..%2fpackage.json",
    "/ui/%2e%2e/%2e%2e/package.json",
    "/ui/files.json",
    "/ui/.tsbuildinfo",
    "/ui/nothing.js",
    "/ui//app.js",
    "/ui//etc/passwd",
    "/ui/C:%5Cx",
    "/ui/index.html%00.js",
    "/ui/lanes/",
    "/ui/__proto__",
    `/ui/${"x".repeat(5_000)}`,
  ])("are all that there is: %s is none", async (path) => {
    const { status, json } = await get(path);
    expect(status).toBe(404);
    expect(json.code).toBe("SQ_NOT_FOUND");
  });

  it("take no other method than GET and HEAD", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const { status, headers, json } = await here.call(method, "/ui/", { unchecked: true });
      expect([status, headers["allow"], json.code]).toEqual([405, "GET, HEAD", "SQ_METHOD_NOT_ALLOWED"]);
    }
  });

  it("are where a browser is sent that opens the admin port, whether or not it has a token; curl gets the list of calls", async () => {
    const sent = await get("/", HTML);
    expect([sent.status, sent.headers["location"], sent.text]).toEqual([302, "ui/", ""]);
    expect((await get("/ui")).headers["location"]).toBe("ui/");
    expect((await get("/", { accept: "*/*", ...NOBODY })).status).toBe(401);
    const list = await get("/", { accept: "*/*" });
    expect(list.headers["content-type"]).toBe("text/plain; charset=utf-8");
  });

  it.each([
    [
      "a script",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script" },
      403,
    ],
    [
      "a frame",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      403,
    ],
    [
      "a frame of a neighbour",
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
      403,
    ],
    [
      "a picture",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
      403,
    ],
    [
      "a call",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "origin": "https://evil.test" },
      403,
    ],
    [
      "a link that somebody follows",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      200,
    ],
    [
      "the page itself",
      { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "script" },
      200,
    ],
    [
      "the address bar",
      { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
      200,
    ],
  ])("answer %s as they should", async (_who, headers, status) => {
    expect((await get("/ui/", headers)).status).toBe(status);
  });

  it("are not for a page that made a name of its own point here", async () => {
    const { status, json } = await get("/ui/", {
      ...HTML,
      "host": "evil.test",
      "accept-language": "en",
      ...NOBODY,
    });
    expect([status, json.code]).toEqual([403, "SQ_FORBIDDEN_HOST"]);
  });
});

it("are missed by nobody who does not open them: a daemon without them starts, and says what to do", async () => {
  const here = await AdminLab.open({ page: new URL("file:///nowhere/") });
  try {
    expect((await here.get("/healthz")).status).toBe(200);
    const { status, json } = await here.get("/ui/", { unchecked: true });
    expect([status, json.code, json.hint]).toEqual([500, "SQ_INTERNAL", "build Squall again: npm run build"]);
  } finally {
    await here.close();
  }
});
