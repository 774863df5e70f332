/** A key (P-256, as Squall's are) and its certificate for those that end TLS beside Squall: made once in a run. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const made = new Map();

/** `{ cert, key }` are files, `pair` is one with both, as HAProxy wants it. */
export function certificate({ folder }) {
  if (!made.has(folder)) made.set(folder, make(folder));
  return made.get(folder);
}

function make(folder) {
  const [cert, key, pair] = ["tls.pem", "tls.key", "tls-pair.pem"].map((name) => join(folder, name));
  const wanted = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...wanted, ...named, "-keyout", key, "-out", cert], {
    stdio: "pipe",
  });
  writeFileSync(pair, `${readFileSync(cert, "utf8")}${readFileSync(key, "utf8")}`);
  return { cert, key, pair };
}
