/** nginx with one worker, in the foreground, in a folder of its own: what it is started with wherever it stands. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startProgram } from "./processes.mjs";

/** Where nginx may write: all below the folder that it is started with. For the `http` block. */
export const TEMPORARY_PATHS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path tmp;`)
  .join(" ");

/** `body(port)` is what comes behind the general settings, `head` what must come before them. Answers the program with its `port`. */
export async function startNginx(lab, { head = "", body, role }) {
  const port = await freePort();
  const folder = join(lab.folder, `nginx-${port}`);
  for (const name of ["logs", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `${head}
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 19000; }
${body(port)}
`,
  );
  const program = await startProgram("nginx", ["-p", `${folder}/`, "-c", file, "-e", "stderr"], {
    port,
    ...(role === undefined ? {} : { role }),
  });
  return { ...program, port };
}
