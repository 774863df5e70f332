/** A daemon in front of a server that is not ours; every client makes one request under each row's faults, all at the same time. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { squall, Workshop, type Json } from "../../support/process.js";
import { clientKinds, prepare, type ClientKind, type Trust } from "./client-kinds.js";
import type { FaultRow } from "./fault-rows.js";
import type { Cell } from "./measured.js";

/** Bodies of 1000 bytes: `/` says so, `/open` ends with its connection, and what is posted comes back. */
function upstream(): Server {
  return createServer((request, response) => {
    if (request.method === "POST") {
      response.writeHead(200, { "content-length": request.headers["content-length"] });
      request.pipe(response);
      return;
    }
    if (request.url === "/open") {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.removeHeader("content-length");
      response.writeHead(200);
      response.write("x".repeat(500));
      response.end("x".repeat(500));
    } else response.writeHead(200, { "content-length": 1000 }).end("x".repeat(1000));
  });
}

const word = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]+/gu, "-");

export class Measuring {
  readonly #workshop = new Workshop();
  readonly #upstream = upstream();
  #admin = "";
  #ports = new Map<string, number>();
  kinds: readonly ClientKind[] = [];
  trust: Trust = { variables: {}, folder: "" };

  /** Starts the daemon with two proxies for each client, and has the clients trust it. */
  async begin(): Promise<void> {
    this.#upstream.listen(0, "127.0.0.1");
    await once(this.#upstream, "listening");
    const { port } = this.#upstream.address() as AddressInfo;
    const { folder } = this.#workshop;
    const proxies: Record<string, unknown> = {};
    for (const { name } of clientKinds(this.trust))
      for (const scheme of ["http", "tcp"])
        proxies[`${word(name)}-${scheme}`] = {
          listen: "127.0.0.1:0",
          upstream: `${scheme}://127.0.0.1:${port}`,
          secure: true,
        };
    const { admin } = await this.#workshop.daemon({ tls: { ca: join(folder, "ca") }, proxies });
    this.#admin = admin;
    const listening = (await (await fetch(`${admin}/status`)).json()) as {
      proxies: { name: string; listen: string }[];
    };
    for (const { name, listen } of listening.proxies) this.#ports.set(name, Number(listen.split(":").at(-1)));
    const lines = await squall([
      "env",
      "--admin",
      admin,
      "--shell",
      "json",
      "--write",
      join(folder, "trust"),
    ]);
    if (lines.code !== 0) throw new Error(lines.err);
    this.trust = { folder, variables: JSON.parse(lines.out) as Record<string, string> };
    const certificate = this.#workshop.file("client.pem", CERTIFICATE + KEY);
    await prepare(this.trust, join(folder, "trust", "ca.pem"), certificate);
    this.kinds = clientKinds(this.trust);
  }

  url(kind: ClientKind, scheme: "http" | "tcp", path = "/"): string {
    return `https://localhost:${this.#ports.get(`${word(kind.name)}-${scheme}`) ?? 0}${path}`;
  }

  /** What each client that is there says; those that cannot show a certificate are left out where that is wanted. */
  async measure(row: FaultRow): Promise<ReadonlyMap<string, Cell>> {
    const since = (await this.#journal(0)).last;
    const answer = await fetch(`${this.#admin}/active`, {
      method: row.faults.length === 0 ? "DELETE" : "PUT",
      ...(row.faults.length === 0
        ? {}
        : {
            body: JSON.stringify({ faults: row.faults, seed: 7 }),
            headers: { "content-type": "application/json" },
          }),
    });
    if (!answer.ok) throw new Error(`${row.name}: ${await answer.text()}`);
    const there = this.kinds.filter(
      ({ version, certificate }) => version !== null && (certificate || row.certificate !== true),
    );
    const scheme = row.proxy ?? "http";
    const said = await Promise.all(
      there.map((kind) =>
        kind.ask({
          url: this.url(kind, scheme, scheme === "tcp" ? "/open" : "/"),
          seconds: row.hangs === true ? 2 : 60,
          certificate: row.certificate === true ? join(this.trust.folder, "client.pem") : null,
        }),
      ),
    );
    await this.quiet();
    const { entries } = await this.#journal(since);
    return new Map(
      there.map(({ name }, index) => {
        const mine = entries.filter(({ proxy }) => proxy === `${word(name)}-${scheme}`);
        return [name, { says: said[index] ?? "", took: [...new Set(mine.map(({ took }) => String(took)))] }];
      }),
    );
  }

  /** When no client is connected any more, all that it did is in the journal. */
  async quiet(): Promise<void> {
    for (;;) {
      const { connections } = (await (await fetch(`${this.#admin}/status`)).json()) as {
        connections: number;
      };
      if (connections === 0) return;
      await new Promise((later) => setTimeout(later, 20));
    }
  }

  async #journal(since: number): Promise<{ entries: Json[]; last: number }> {
    const answer = await fetch(`${this.#admin}/journal?kind=tls_over&since=${since}&limit=1000`);
    return (await answer.json()) as { entries: Json[]; last: number };
  }

  async end(): Promise<void> {
    await this.#workshop.close();
    this.#upstream.closeAllConnections();
    this.#upstream.close();
  }
}
