import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import http from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { until } from "../../support/lab.js";
import { ask, mockServer, register, submit } from "../support.js";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64");
const digestOf = (bytes: Buffer): Record<string, string> => ({ digest: `sha-256=${sha256(bytes)}` });

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "squall-data-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Bytes {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
}

function fetchBytes(
  url: string,
  token: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method,
      agent: false,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          bytes: Buffer.concat(chunks),
        });
      });
    });
    request.end();
  });
}

async function leased(url: string): Promise<{ token: string; id: string; lease: string }> {
  const { token } = await register(url);
  const { body } = await ask(url, "POST /v1/lease", { token });
  return { token, id: (body["job"] as { id: string }).id, lease: String(body["lease_id"]) };
}

/** Sends the first part of an upload, waits until the server has it, and tears the connection down. */
async function interrupted(
  url: string,
  path: string,
  token: string,
  whole: Buffer,
  part: number,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const request = http.request(url + path, {
      method: "PUT",
      agent: false,
      headers: { "authorization": `Bearer ${token}`, "content-length": whole.length, ...digestOf(whole) },
    });
    request.on("error", () => resolve());
    request.write(whole.subarray(0, part));
    void offsetIs(url, path, token, part).then(() => request.destroy());
  });
}

async function offsetIs(url: string, path: string, token: string, offset: number): Promise<void> {
  for (;;) {
    const { headers } = await fetchBytes(url + path, token, {}, "HEAD");
    if (headers["upload-offset"] === String(offset)) return;
  }
}

describe("a payload", () => {
  it("that is submitted as bytes comes back byte for byte, with its digest", async () => {
    const { url } = await mockServer();
    const bytes = randomBytes(300_000);
    const query = new URLSearchParams({
      type: "render",
      payload: `{"frame":7}`,
      priority: "3",
      timeout: "5m",
    });
    const submitted = await ask(url, `POST /v1/jobs?${query.toString()}`, {
      raw: bytes,
      headers: { "content-type": "application/octet-stream", ...digestOf(bytes) },
    });
    const body = { bytes: 300_000, digest: `sha-256=${sha256(bytes)}` };
    expect(submitted).toMatchObject({
      status: 201,
      body: { type: "render", payload: { frame: 7 }, priority: 3, timeout: "5m", body },
    });
    const { token, id } = await leased(url);
    const fetched = await fetchBytes(`${url}/v1/jobs/${id}/payload`, token);
    expect(fetched).toMatchObject({
      status: 200,
      headers: { "digest": body.digest, "content-length": "300000" },
    });
    expect(fetched.bytes.equals(bytes)).toBe(true);
  });

  it("can be fetched in part, and an interrupted download goes on where it was", async () => {
    const { url } = await mockServer();
    const bytes = randomBytes(1_000);
    await ask(url, "POST /v1/jobs?type=t", {
      raw: bytes,
      headers: { "content-type": "application/octet-stream" },
    });
    const { token, id } = await leased(url);
    const path = `${url}/v1/jobs/${id}/payload`;
    const { headers } = await fetchBytes(path, token, {}, "HEAD");
    const etag = String(headers["etag"]);
    for (const [range, from, to] of [
      ["bytes=0-9", 0, 10],
      ["bytes=990-", 990, 1_000],
      ["bytes=-10", 990, 1_000],
      ["bytes=400-5000", 400, 1_000],
    ] as const) {
      const part = await fetchBytes(path, token, { range, "if-range": etag });
      expect(part.status).toBe(206);
      expect(part.headers["content-range"]).toBe(`bytes ${from}-${to - 1}/1000`);
      expect(part.headers["digest"]).toBe(`sha-256=${sha256(bytes)}`);
      expect(part.bytes.equals(bytes.subarray(from, to))).toBe(true);
    }
    expect((await fetchBytes(path, token, { "range": "bytes=0-9", "if-range": `"other"` })).status).toBe(200);
    const beyond = await fetchBytes(path, token, { range: "bytes=1000-" });
    expect([beyond.status, beyond.headers["content-range"]]).toEqual([416, "bytes */1000"]);
    for (const odd of ["bytes=5-1", "bytes=0-1,4-5", "lines=1-2", "bytes=-"])
      expect((await fetchBytes(path, token, { range: odd })).status).toBe(200);
  });

  it("that was submitted as JSON can be fetched as well", async () => {
    const { url } = await mockServer();
    await submit(url, { payload: { shirts: 3 } });
    const { token, id } = await leased(url);
    const { bytes, headers } = await fetchBytes(`${url}/v1/jobs/${id}/payload`, token);
    expect(bytes.toString()).toBe(`{"shirts":3}`);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "digest": `sha-256=${sha256(bytes)}`,
    });
    const part = await fetchBytes(`${url}/v1/jobs/${id}/payload`, token, { range: "bytes=2-7" });
    expect([part.status, part.bytes.toString()]).toEqual([206, "shirts"]);
  });

  it("whose bytes are not those of its digest is refused, and leaves nothing behind", async () => {
    const data = dataFolder();
    const { url } = await mockServer({ data });
    const answer = await ask(url, "POST /v1/jobs?type=t", {
      raw: "abd",
      headers: { "content-type": "application/octet-stream", ...digestOf(Buffer.from("abc")) },
    });
    expect(answer).toMatchObject({ status: 422, body: { code: "digest_mismatch" } });
    expect((await ask(url, "GET /v1/jobs")).body["total"]).toBe(0);
    expect(readdirSync(join(data, "bodies"))).toEqual([]);
  });

  it("is the same job under the same idempotency key, and kept once", async () => {
    const data = dataFolder();
    const { url } = await mockServer({ data });
    const headers = { "content-type": "application/octet-stream", "idempotency-key": "k" };
    const first = await ask(url, "POST /v1/jobs?type=t", { raw: "abc", headers });
    const second = await ask(url, "POST /v1/jobs?type=t", { raw: "abc", headers });
    expect([first.status, second.status, second.body["id"]]).toEqual([201, 200, first.body["id"]]);
    const other = await ask(url, "POST /v1/jobs?type=t", { raw: "abd", headers });
    expect(other.body["code"]).toBe("idempotency_key_reused");
    expect(readdirSync(join(data, "bodies"))).toHaveLength(1);
  });

  it("is 413 beyond the limit, 507 when there is no room, 400 for a bad query or digest", async () => {
    const { url } = await mockServer({ blobMax: 1_000, blobsMax: 1_500 });
    const headers = { "content-type": "application/octet-stream" };
    const post = (bytes: number, query = "type=t", more = {}) =>
      ask(url, `POST /v1/jobs?${query}`, { raw: Buffer.alloc(bytes), headers: { ...headers, ...more } });
    expect((await post(1_001)).body["code"]).toBe("too_large");
    expect((await post(1_000)).status).toBe(201);
    expect((await post(600)).body).toMatchObject({ code: "no_room", status: 507 });
    expect((await post(400)).status).toBe(201);
    expect((await post(1, "")).body["reasons"]).toEqual([expect.stringMatching(/^type: /u)]);
    expect((await post(1, "type=t&payload={")).body["reasons"]).toEqual(["payload: expected JSON"]);
    expect((await post(1, "type=t", { digest: "sha-256=short" })).status).toBe(400);
  });
});

describe("an artifact", () => {
  it("is uploaded under the lease of the job, told of, and fetched again", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    const bytes = randomBytes(200_000);
    const path = `/v1/jobs/${id}/artifacts/render.png`;
    const put = { token, raw: bytes, headers: digestOf(bytes) };
    const first = await ask(url, `PUT ${path}`, put);
    const told = { bytes: 200_000, digest: `sha-256=${sha256(bytes)}` };
    expect(first).toMatchObject({
      status: 201,
      body: { job_id: id, name: "render.png", ...told, repeated: false },
    });
    expect(await ask(url, `PUT ${path}`, put)).toMatchObject({
      status: 200,
      body: { ...told, repeated: true },
    });
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["artifacts"]).toEqual([
      { name: "render.png", ...told },
    ]);
    expect((await fetchBytes(url + path, token)).bytes.equals(bytes)).toBe(true);
    const head = await fetchBytes(url + path, token, {}, "HEAD");
    expect(head.headers).toMatchObject({ "upload-offset": "200000", "upload-complete": "?1" });
  });

  it("goes on where an interrupted upload was, over a restart too", async () => {
    const data = dataFolder();
    const before = await mockServer({ data });
    await submit(before.url);
    const { token, id } = await leased(before.url);
    const whole = randomBytes(500_000);
    const path = `/v1/jobs/${id}/artifacts/a_b.bin`;
    await interrupted(before.url, path, token, whole, 200_000);
    await before.close();
    const { url } = await mockServer({ data });
    await offsetIs(url, path, token, 200_000);
    const resume = (from: number) =>
      ask(url, `PUT ${path}`, {
        token,
        raw: whole.subarray(from),
        headers: { "content-range": `bytes ${from}-499999/500000`, ...digestOf(whole) },
      });
    const wrong = await resume(150_000);
    expect([wrong.status, wrong.headers["upload-offset"]]).toEqual([416, "200000"]);
    expect((await resume(200_000)).status).toBe(201);
    expect((await fetchBytes(url + path, token)).bytes.equals(whole)).toBe(true);
    expect(readdirSync(join(data, "bodies"))).toHaveLength(1);
  });

  it("keeps all that came before the connection ended, however soon that was", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    const whole = randomBytes(100_000);
    const { hostname, port } = new URL(url);
    for (let n = 0; n < 20; n++) {
      const path = `/v1/jobs/${id}/artifacts/log-${n}`;
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined).resume();
      socket.write(
        `PUT ${path} HTTP/1.1\r\nHost: jobs.test\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100000\r\n\r\n`,
      );
      socket.end(whole.subarray(0, 50_000));
      await once(socket, "close");
      const headers = { "content-range": "bytes 50000-99999/100000", ...digestOf(whole) };
      const answer = await ask(url, `PUT ${path}`, { token, raw: whole.subarray(50_000), headers });
      expect(answer).toMatchObject({ status: 201, body: { digest: `sha-256=${sha256(whole)}` } });
    }
  });

  it("is refused without a word being in the way of the next request on its connection", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => {
      agent.destroy();
    });
    const large = Buffer.alloc(5_000_000);
    const headers = { "content-range": "bytes 7-5000006/5000007" };
    for (let n = 0; n < 2; n++) {
      const status = await new Promise<number>((resolve, reject) => {
        http
          .request(`${url}/v1/jobs/${id}/artifacts/log`, {
            method: "PUT",
            agent,
            headers: { "authorization": `Bearer ${token}`, "content-length": large.length, ...headers },
          })
          .on("error", reject)
          .on("response", (response) => {
            response.resume().on("end", () => {
              resolve(response.statusCode ?? 0);
            });
          })
          .end(large);
      });
      expect(status).toBe(416);
    }
  });

  it("may come in pieces", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    const whole = randomBytes(1_000);
    const piece = (from: number, to: number) =>
      ask(url, `PUT /v1/jobs/${id}/artifacts/log`, {
        token,
        raw: whole.subarray(from, to),
        headers: { "content-range": `bytes ${from}-${to - 1}/1000`, ...digestOf(whole) },
      });
    expect(await piece(0, 400)).toMatchObject({ status: 202, body: { offset: 400 } });
    expect(await piece(400, 1_000)).toMatchObject({ status: 201, body: { bytes: 1_000 } });
  });

  it("is taken from the connection that came last, since the one before may be dead without knowing", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    const whole = randomBytes(100_000);
    const path = `/v1/jobs/${id}/artifacts/log`;
    const silent = http.request(url + path, {
      method: "PUT",
      agent: false,
      headers: { "authorization": `Bearer ${token}`, "content-length": whole.length },
    });
    silent.on("error", () => undefined);
    onTestFinished(() => void silent.destroy());
    silent.write(whole.subarray(0, 40_000));
    await offsetIs(url, path, token, 40_000);
    const headers = { "content-range": "bytes 40000-99999/100000", ...digestOf(whole) };
    const answer = await ask(url, `PUT ${path}`, { token, raw: whole.subarray(40_000), headers });
    expect(answer).toMatchObject({ status: 201, body: { digest: `sha-256=${sha256(whole)}` } });
  });

  it("is refused to whoever does not hold the job, and of a lease that is over nothing is kept", async () => {
    const clock = new VirtualClock();
    const data = dataFolder();
    const { url } = await mockServer({ clock, lease: 30_000, data });
    await submit(url);
    const anna = await leased(url);
    const path = `/v1/jobs/${anna.id}/artifacts/log`;
    const { token: ben } = await register(url, "ben");
    const strange = await ask(url, `PUT ${path}`, { token: ben, raw: "x" });
    expect(strange).toMatchObject({ status: 409, body: { code: "stale_lease" } });
    const forged = await ask(url, `PUT ${path}?lease_id=${anna.lease}`, { token: ben, raw: "x" });
    expect(forged.status).toBe(409);
    await interrupted(url, path, anna.token, Buffer.alloc(1_000), 400);
    clock.advance(30_000);
    expect((await ask(url, `PUT ${path}`, { token: anna.token, raw: "x" })).status).toBe(409);
    expect(
      (await ask(url, `PUT ${path}?lease_id=${anna.lease}`, { token: anna.token, raw: "x" })).body["error"],
    ).toMatch(/^The lease expired/u);
    expect((await ask(url, "GET /v1/audit")).body).toMatchObject({ jobs: [{ refused: 4 }] });
    expect((await ask(url, `PUT ${path}`, { raw: "x" })).status).toBe(401);
    // Answers do not wait for the disk.
    await until(() => readdirSync(join(data, "bodies")).length === 0);
  });

  it("has a name that is none of the file system's business", async () => {
    const { url } = await mockServer();
    await submit(url);
    const { token, id } = await leased(url);
    for (const name of ["..%2f..%2fetc", ".hidden", "a%00b", "x".repeat(101)])
      expect((await ask(url, `PUT /v1/jobs/${id}/artifacts/${name}`, { token, raw: "x" })).status).toBe(400);
  });
});
