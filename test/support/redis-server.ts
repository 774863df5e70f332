/** A real `redis-server`. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { ServerProcess } from "./server-process.js";

export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).error === undefined;
}

export class RedisServer extends ServerProcess {
  private constructor(port: number, config: string) {
    super({
      name: "redis",
      port,
      command: ["redis-server"],
      // What is killed has written before it answered, and the kernel keeps that: no disk has to be waited for.
      config: (folder) => `bind 127.0.0.1
port ${port}
dir ${folder}
save ""
appendonly yes
appendfsync no
${config}
`,
    });
  }

  /** Resolves when it listens. */
  static async start(config = ""): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), config);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  loseData(): void {
    rmSync(join(this.folder, "appendonlydir"), { recursive: true, force: true });
    rmSync(join(this.folder, "dump.rdb"), { force: true });
  }
}
