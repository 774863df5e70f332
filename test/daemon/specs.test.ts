/** What proxies are made from, by what squall.yaml says of them and what the daemon adds. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { specFrom } from "../../src/daemon/specs.js";
import type { FileProxy } from "../../src/proxy/proxy-set.js";
import { CERTIFICATE } from "../support/certificate.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-specs-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The spec of a proxy with these settings, in a daemon of 500 connections and heads of 8 KiB. */
function specOf(settings: Readonly<Record<string, unknown>>): FileProxy | undefined {
  const limits = { connections: 500, header: "8KiB" };
  const proxies = { jobs: { listen: "127.0.0.1:8080", ...settings } };
  const { config } = readConfig({ text: JSON.stringify({ limits, proxies }), folder });
  return config.proxies.map((proxy) => specFrom(proxy, { seed: 7, limits: config.limits }))[0];
}

it("have the daemon's limit of connections, unless they have one of their own", () => {
  const upstream = "tcp://127.0.0.1:1";
  expect(specOf({ upstream })).toMatchObject({ protocol: "tcp", connections: 500 });
  expect(specOf({ upstream, limits: { connections: 3 } })).toMatchObject({ connections: 3 });
});

it("say that they are switched off, and nothing if they are not", () => {
  const upstream = "tcp://127.0.0.1:1";
  expect(specOf({ upstream, enabled: false })).toHaveProperty("enabled", false);
  expect(specOf({ upstream })).not.toHaveProperty("enabled");
});

it("draw with the daemon's seed: choices of a pool, and names for tokens", () => {
  const upstreams = { a: "http://127.0.0.1:1", b: "http://127.0.0.1:2" };
  expect(specOf({ upstreams })).toMatchObject({
    protocol: "http",
    pool: { seed: 7 },
    salt: "squall/bot/7",
    headBytes: 8_192,
  });
});

it("trust the certificates in a file beside squall.yaml", () => {
  const text = CERTIFICATE;
  writeFileSync(join(folder, "ca.pem"), text);
  expect(specOf({ upstream: "https://127.0.0.1:1", tls: { ca: "ca.pem" } })).toMatchObject({
    tls: { ca: text, insecure: false, files: { ca: join(folder, "ca.pem"), own: null } },
  });
  expect(specOf({ upstream: "https://127.0.0.1:1" })).toMatchObject({ tls: { ca: null } });
  expect(specOf({ upstream: "http://127.0.0.1:1" })).toMatchObject({ tls: null });
});

it("are refused with the setting to blame if that file cannot be read", () => {
  const path = join(folder, "gone.pem");
  expect(() => specOf({ upstream: "https://127.0.0.1:1", tls: { ca: "gone.pem" } })).toThrow(
    expect.objectContaining({
      code: "SQ_INVALID_CONFIG",
      path: "proxies.jobs.tls.ca",
      message: expect.stringContaining(
        `cannot read the certificates in ${path}: there is no such file`,
      ) as string,
    }) as Error,
  );
});
