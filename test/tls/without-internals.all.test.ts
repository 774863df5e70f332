/** On a Node that lacks what Squall uses beyond its documentation: what cannot be had is refused with the reason, and all else works. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ok } from "../support/http-lab.js";
import { getJson, ROOT, squall, Workshop, type Json } from "../support/process.js";
import { CERTIFICATE } from "../support/certificate.js";

const HIDING = { NODE_OPTIONS: `--require ${join(ROOT, "test/tls/without-internals.cjs")}` };

let shop: Workshop;
let server: Server;
let upstream: string;

beforeEach(async () => {
  shop = new Workshop();
  server = createServer((socket) => {
    socket.on("data", () => socket.end(ok("hello"))).on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await shop.close();
  server.close();
});

const config = (secure: unknown): string =>
  shop.file(
    "squall.yaml",
    JSON.stringify({
      admin: { listen: "127.0.0.1:0" },
      tls: { ca: join(shop.folder, "ca") },
      proxies: { jobs: { listen: "127.0.0.1:0", upstream, secure } },
    }),
  );

async function put(admin: string, fault: Json): Promise<{ status: number; error: string }> {
  const headers = { "content-type": "application/json" };
  const { status, body } = await getJson(`${admin}/active`, {
    method: "PUT",
    headers,
    body: JSON.stringify({ faults: [fault] }),
  });
  return { status, error: `${String(body["code"])} ${String(body["error"])}` };
}

async function asked(port: number, shown: object = {}): Promise<string> {
  const ca = readFileSync(join(shop.folder, "ca/ca.pem"));
  const sent = request({ host: "localhost", port, ca, agent: false, ...shown }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return text(response);
}

it("refuses faults that need them when they are switched on, and only those", async () => {
  const daemon = shop.start(["serve", "--config", config(true), "--log-format", "json"], { env: HIDING });
  const [, admin = ""] = await daemon.printed(/"admin":"(http:[^"]+)"/u);
  const { body } = await getJson(`${admin}/status`);
  const [{ listen } = { listen: "" }] = body["proxies"] as { listen: string }[];
  const port = Number(listen.split(":").at(-1));
  expect(await asked(port)).toBe("hello");

  const NO_SECRETS = /^SQ_ENGINE_UNAVAILABLE .* cannot be had on jobs: this runtime tells no secrets/u;
  for (const fault of [
    { type: "tls_alert", alert: "internal_error", at: "established" },
    { type: "tls_alert", alert: "unknown_ca", at: "client_certificate" },
    { type: "tls_client_certificate", refuse: "unknown_ca" },
    { type: "tls_end", how: "alert", alert: "internal_error" },
  ])
    expect(await put(admin, fault)).toEqual({
      status: 422,
      error: expect.stringMatching(NO_SECRETS) as string,
    });
  expect(await put(admin, { type: "tls_certificate", problem: "revoked" })).toEqual({
    status: 422,
    error: expect.stringMatching(/^SQ_ENGINE_UNAVAILABLE .*staples no OCSP response/u) as string,
  });

  for (const [fault, says] of [
    [{ type: "tls_alert", alert: "internal_error", at: "hello" }, /alert internal error/u],
    [{ type: "tls_certificate", problem: "expired" }, /certificate has expired/u],
    [{ type: "tls_handshake", delay: "10ms" }, /^hello$/u],
    [{ type: "tls_end", how: "without_notify" }, /^hello$/u],
    [{ type: "latency", delay: "10ms", at: "tls" }, /^hello$/u],
  ] as const) {
    expect((await put(admin, fault)).status).toBe(200);
    const seen = await asked(port).catch((error: unknown) => (error as Error).message);
    expect([fault.type, seen]).toEqual([fault.type, expect.stringMatching(says)]);
  }
  daemon.kill();
  expect(await daemon.ended).toMatchObject({ code: 0, err: "" });
});

it("does not start where clients must show certificates that nobody could judge", async () => {
  const file = config({
    mode: "terminate",
    clients: { ca: shop.file("bots.pem", CERTIFICATE), require: true },
  });
  const { code, err } = await squall(["serve", "--config", file], { env: HIDING });
  expect(err).toMatch(
    /squall\.yaml:\d+:\d+ proxies\.jobs\.secure\.clients: this runtime does not tell what is wrong/u,
  );
  expect(code).toBe(3);
});
