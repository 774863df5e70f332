/** HAProxy with one thread, in TCP mode. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startProgram } from "../lib/processes.mjs";

export const haproxy = {
  name: "HAProxy, 1 thread",
  async start({ lab, upstreamPort }) {
    const port = await freePort();
    const file = join(lab.folder, `haproxy-${port}.cfg`);
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server upstream 127.0.0.1:${upstreamPort}
`,
    );
    const program = await startProgram("haproxy", ["-db", "-f", file], { port });
    return { ...program, port };
  },
};
