/** Addresses of the dashboard's views, there and back. */
import { describe, expect, it } from "vitest";
import { pathOf, placeOf, type ViewName } from "../../src/ui/router.js";

const ROWS: readonly (readonly [string, ViewName, Record<string, string>])[] = [
  ["/ui/", "now", {}],
  ["/ui/lanes", "lanes", {}],
  ["/ui/exchanges/jobs/17", "exchange", { proxy: "jobs", id: "17" }],
  ["/ui/exchanges/a%2Fb%20c/c3", "exchange", { proxy: "a/b c", id: "c3" }],
  ["/ui/profiles", "profiles", {}],
  ["/ui/profiles/lost-ack", "profiles", { name: "lost-ack" }],
  ["/ui/findings", "findings", {}],
  ["/ui/journal", "journal", {}],
];

describe("addresses of views", () => {
  it.each(ROWS)("%s is %s", (path, view, params) => {
    expect(placeOf(path)).toEqual({ view, params, query: {} });
    expect(pathOf(view, params)).toBe(path);
  });

  it.each([
    "/",
    "/ui",
    "/ui/nothing",
    "/ui/lanes/",
    "/ui/exchanges/jobs",
    "/ui/profiles/%zz",
    "/ui/profiles/",
    "/journal",
  ])("%s is no view", (path) => {
    expect(placeOf(path).view).toBeNull();
  });

  it("keep the query, without what is empty in it", () => {
    expect(placeOf("/ui/journal", "?bot=b%201&kind=mark").query).toEqual({ bot: "b 1", kind: "mark" });
    expect(pathOf("journal", {}, { bot: "b 1", kind: "", path: undefined })).toBe("/ui/journal?bot=b+1");
  });

  it("hold whatever a proxy is called", () => {
    for (const proxy of ["..", "a?b#c", "\u202e", "%2f", "<script>"]) {
      const { pathname, search } = new URL(pathOf("exchange", { proxy, id: "1" }), "http://x");
      // A browser takes "..", and even its escaped form, for the folder above: that one leads nowhere, and to nothing else.
      if (proxy !== "..") expect(placeOf(pathname, search).params["proxy"]).toBe(proxy);
    }
  });
});
