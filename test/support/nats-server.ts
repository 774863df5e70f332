/** A real `nats-server` with JetStream. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { connect as connectNats } from "@nats-io/transport-node";
import { freePort } from "./free-port.js";
import { ServerProcess } from "./server-process.js";

export interface NatsOptions {
  /** What is run; `nats-server` of the system without it. */
  readonly program?: string;
  /** More of its configuration. */
  readonly config?: string;
  readonly name?: string;
  readonly port?: number;
}

export const DEBIAN_NATS = "nats-server";
/** Where `go install github.com/nats-io/nats-server/v2@VERSION` puts it. */
export const NEWEST_NATS = join(homedir(), "go/bin/nats-server");

/** What it says of its version, such as `2.9.10`; null if it is not there. */
export function natsVersion(program = DEBIAN_NATS): string | null {
  const { stdout, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return error === undefined ? (/v(\d+\.\d+\.\d+)/u.exec(stdout)?.[1] ?? null) : null;
}

export class NatsServer extends ServerProcess {
  private constructor(port: number, options: NatsOptions) {
    super({
      name: "nats",
      port,
      command: [options.program ?? DEBIAN_NATS, "--config"],
      config: (folder) => `listen: 127.0.0.1:${port}
server_name: ${options.name ?? `n${port}`}
max_payload: 1MB
jetstream { store_dir: "${join(folder, "data")}", max_file: 500GB, max_mem: 128MB }
${options.config ?? ""}
`,
    });
  }

  /** Resolves when it listens. */
  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(options.port ?? (await freePort()), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Asks the JetStream API, with a connection of its own. */
  async api(call: string, body: unknown = {}): Promise<Readonly<Record<string, unknown>>> {
    const connection = await connectNats({ servers: [`127.0.0.1:${this.port}`] });
    try {
      return (await connection.request(`$JS.API.${call}`, JSON.stringify(body))).json();
    } finally {
      await connection.close();
    }
  }

  loseData(): void {
    rmSync(join(this.folder, "data"), { recursive: true, force: true });
  }
}
