/** Servers that say which requests they read to their ends, each in its own way of reading HTTP. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free-port.js";
import type { Kind, Reader } from "./smuggling-walk.js";

function lacks(program: string, words: readonly string[]): string | null {
  return spawnSync(program, words, { stdio: "ignore" }).status === 0 ? null : program;
}

/** A program that writes a line for each request into a file, and says nothing on its own. */
async function startProgram(
  run: (
    folder: string,
    port: number,
  ) => { readonly program: string; readonly words: readonly string[]; readonly log: string },
): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), "squall-reader-"));
  const port = await freePort();
  const { program, words, log } = run(folder, port);
  writeFileSync(log, "");
  const child: ChildProcess = spawn(program, words, { stdio: "ignore" });
  const over = once(child, "close");
  let at = 0;
  const taken = (): string[] => {
    const text = readFileSync(log, "latin1");
    const lines = text.slice(at).split("\n").slice(0, -1);
    at = text.lastIndexOf("\n") + 1;
    return lines;
  };
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null) throw new Error(`${program} ended`);
  }
  // Servers write down what they have answered, a moment after that: the question whether it is up is none of the attacks.
  while (taken().length === 0) await new Promise((resolve) => setImmediate(resolve));
  return {
    port,
    taken,
    close: async () => {
      child.kill("SIGTERM");
      await over;
      rmSync(folder, { recursive: true });
    },
  };
}

const PYTHON = `
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
log = open(sys.argv[2], "a", buffering=1)
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def body(self):
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline() not in (b"\\r\\n", b"\\n", b""): pass
                    return
                if len(self.rfile.read(size)) < size: raise ValueError
                self.rfile.readline()
        length = int(self.headers.get("Content-Length") or 0)
        if len(self.rfile.read(length)) < length: raise ValueError
    def answer(self):
        try: self.body()
        except ValueError:
            self.close_connection = True
            return
        said = "%s %s" % (self.command, self.path)
        log.write(said + "\\n")
        body = ("[%s]" % said).encode("latin-1", "replace")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(body)
    do_GET = do_POST = do_HEAD = answer
    def log_message(self, *words): pass
class Server(ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *words): pass
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`;

export const KINDS: readonly Kind[] = [
  {
    name: "nginx",
    missing: lacks("nginx", ["-v"]),
    start: () =>
      startProgram((folder, port) => {
        const log = join(folder, "seen.log");
        const file = join(folder, "nginx.conf");
        writeFileSync(
          file,
          `daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
events {}
http {
  log_format seen escape=none '$request_method $request_uri $status';
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
    access_log ${log} seen;
    location / { if ($request_method = HEAD) { return 200 ""; } return 200 "[$request_method $request_uri]"; }
  }
}
`,
        );
        return { program: "nginx", words: ["-c", file, "-e", "/dev/null", "-p", folder], log };
      }),
  },
  {
    name: "Python's http.server",
    missing: lacks("python3", ["--version"]),
    start: () =>
      startProgram((folder, port) => {
        const log = join(folder, "seen.log");
        const file = join(folder, "reader.py");
        writeFileSync(file, PYTHON);
        return { program: "python3", words: [file, String(port), log], log };
      }),
  },
];
