/** What Toxiproxy's `GET /proxies` answers is an object, where a list is wanted: it is told what to do about it. */
import { describe, expect, it } from "vitest";
import { isPopulateFile } from "../../src/admin/toxiproxy/populate-file.js";
import { readProxies } from "../../src/admin/toxiproxy/proxy.js";

const OBJECT = {
  x: { name: "x", listen: "127.0.0.1:8085", upstream: "127.0.0.1:3000", enabled: true, toxics: [] },
};

describe("the object of GET /proxies", () => {
  it("is refused where a list is wanted, in words that help", () => {
    expect(() => readProxies(OBJECT)).toThrow(
      /got the object that GET \/proxies answers: send the list of its values/u,
    );
    expect(() => readProxies({ x: 1 })).toThrow(/expected a list of proxies$/u);
  });

  it("is known as a file, and squall.yaml in JSON is not taken for it", () => {
    expect(isPopulateFile(JSON.stringify(OBJECT))).toBe(true);
    expect(isPopulateFile(JSON.stringify({ proxies: { x: OBJECT.x } }))).toBe(false);
    expect(isPopulateFile("{ proxies: {} }")).toBe(false);
  });
});
