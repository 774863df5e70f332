/** A daemon whose admin port is taken says by whom, and leaves whoever has it alone. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { startSquall } from "../../src/index.js";

let server: Server | null = null;

afterEach(() => {
  server?.close();
  server = null;
});

/** Somebody with a port who answers these paths with JSON, and all others with 404. Answers what the daemon said of it. */
async function refusedBy(answers: Readonly<Record<string, unknown>>): Promise<unknown> {
  const answer = (path: string, response: ServerResponse): void => {
    if (path in answers) response.end(JSON.stringify(answers[path]));
    else response.writeHead(404).end("not here");
  };
  server = createServer(({ url = "" }, response) => {
    answer(url, response.setHeader("connection", "close"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return startSquall({ admin: `127.0.0.1:${port}` }).then(
    () => "started",
    (error: unknown) => error,
  );
}

it("names the version and the process of another Squall", async () => {
  expect(await refusedBy({ "/status": { version: "9.8.7", pid: 4_321 } })).toMatchObject({
    code: "SQ_ADMIN_PORT_TAKEN",
    message: expect.stringMatching(/: squall 9\.8\.7 is there already \(process 4321\)$/u) as string,
    hint: "stop it, or choose another port with --admin",
  });
});

it("knows a Toxiproxy by its version", async () => {
  expect(await refusedBy({ "/version": { version: "2.12.0" } })).toMatchObject({
    code: "SQ_ADMIN_PORT_TAKEN",
    message: expect.stringMatching(/: a Toxiproxy 2\.12\.0 is there already$/u) as string,
  });
});

it("makes nothing up of somebody who answers, but with something else", async () => {
  expect(await refusedBy({ "/status": { version: 3 }, "/version": ["2.12.0"] })).toMatchObject({
    code: "SQ_ADMIN_PORT_TAKEN",
    message: expect.stringMatching(
      /: another program is there already( \(process \d+ \(.+\) listens there\))?$/u,
    ) as string,
  });
});
