import { describe, expect, it } from "vitest";
import { javaCommand, TRUST_VARIABLES, trustLines, trustValues } from "../../src/tls/trust.js";

const files = { ca: "/ca/ca.pem", bundle: "/ca/bundle.pem" };

describe("variables that make programs trust the CA", () => {
  it("give the CA alone to what adds, and the bundle to what replaces all roots", () => {
    const values = trustValues(files);
    expect(Object.keys(values)).toEqual(TRUST_VARIABLES.map(({ name }) => name));
    expect(values).toMatchObject({
      NODE_EXTRA_CA_CERTS: files.ca,
      SSL_CERT_FILE: files.bundle,
      REQUESTS_CA_BUNDLE: files.bundle,
      CURL_CA_BUNDLE: files.bundle,
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: files.bundle,
    });
  });

  it("are set in each shell, whatever is in a path", () => {
    const odd = { ca: "/it's $HOME/a b.pem", bundle: "/c\\d/e.pem" };
    const first = (shell: "bash" | "fish" | "powershell"): readonly string[] =>
      trustLines(shell, odd).split("\n").slice(0, 2);
    expect(first("bash")).toEqual([
      "export NODE_EXTRA_CA_CERTS='/it'\\''s $HOME/a b.pem'",
      "export SSL_CERT_FILE='/c\\d/e.pem'",
    ]);
    expect(first("fish")).toEqual([
      "set -gx NODE_EXTRA_CA_CERTS '/it\\'s $HOME/a b.pem'",
      "set -gx SSL_CERT_FILE '/c\\\\d/e.pem'",
    ]);
    expect(first("powershell")).toEqual([
      "$env:NODE_EXTRA_CA_CERTS = '/it''s $HOME/a b.pem'",
      "$env:SSL_CERT_FILE = '/c\\d/e.pem'",
    ]);
    expect(JSON.parse(trustLines("json", odd))).toMatchObject({ NODE_EXTRA_CA_CERTS: odd.ca });
    expect(javaCommand(odd.ca)).toContain("-file '/it'\\''s $HOME/a b.pem'");
  });
});
