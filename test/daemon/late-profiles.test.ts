/** The profiles that come with Squall are read when its ports are open already. */
import { afterEach, expect, it, vi } from "vitest";
import { Library } from "../../src/config/library.js";
import { startDaemon, type Daemon } from "../../src/daemon.js";
import { freePort } from "../support/free-port.js";
import { ROOT } from "../support/process.js";
import { tmpdir } from "node:os";

let starting: Promise<Daemon>;

afterEach(async () => {
  vi.restoreAllMocks();
  await (await starting).stop({ drain: 0 });
});

it("keeps waiting whoever asks about profiles meanwhile, and nobody else", async () => {
  const port = await freePort();
  let read: () => void = () => undefined;
  let reached: () => void = () => undefined;
  const allowed = new Promise<void>((resolve) => (read = resolve));
  const there = new Promise<void>((resolve) => (reached = resolve));
  const slowly = Library.prototype.replaceFilesSlowly;
  vi.spyOn(Library.prototype, "replaceFilesSlowly").mockImplementation(async function (
    this: Library,
    ...given
  ) {
    reached();
    await allowed;
    return slowly.apply(this, given);
  });
  starting = startDaemon({
    text: JSON.stringify({ admin: { listen: `127.0.0.1:${port}` }, watch: false }),
    env: {},
    cwd: tmpdir(),
    home: ROOT,
    logStream: { write: () => true, on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: process.pid,
    node: process.version,
  });
  await there;
  const order: string[] = [];
  const ask = async (path: string): Promise<Response> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    order.push(path);
    return answer;
  };
  const profiles = ask("/profiles");
  expect((await ask("/version")).status).toBe(200);
  expect((await ask("/healthz")).status).toBe(200);
  expect((await ask("/readyz")).status).toBe(503);
  read();
  const { profiles: list } = (await (await profiles).json()) as { profiles: unknown[] };
  expect(list.length).toBeGreaterThan(50);
  expect(order).toEqual(["/version", "/healthz", "/readyz", "/profiles"]);
  await starting;
  expect((await ask("/readyz")).status).toBe(200);
});
