/** The calls by which bots come to trust the CA. What is secret of it has no call: its key never leaves the daemon. */
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { javaCommand, TRUST_SHELLS, TRUST_VARIABLES, trustLines, trustValues } from "../tls/trust.js";
import type { House } from "./house.js";
import { named, texts } from "./named.js";
import { defineRoute, json, text, type Route } from "./route.js";

/** RFC 8555, section 9.1. */
const PEM = "application/pem-certificate-chain";

const trust = named(
  "Trust",
  z.strictObject({
    subject: z.string().describe("whose certificate it is"),
    fingerprint: z.string().describe("SHA-256 of it, in hexadecimal pairs"),
    not_after: z.iso.datetime().describe("when it expires"),
    names: texts().describe("what it may sign for, and all below; empty for everything"),
    warnings: texts().describe("what an operator should see to"),
    files: z
      .strictObject({ ca: z.string(), bundle: z.string() })
      .nullable()
      .describe(
        "where both lie on the daemon's machine; null if nowhere: GET /ca.pem and /bundle.pem have them",
      ),
    variables: z.array(
      z.strictObject({
        name: z.string(),
        roots: z.enum(["adds", "replaces"]).describe("adds to the roots of a program, or replaces them"),
        readers: z.string(),
        value: z.string().nullable().describe("the file that it should name; null without files"),
      }),
    ),
    java: z.string().nullable().describe("the command for the JVM, which reads no variable"),
  }),
);

export function trustRoutes(house: House): Route[] {
  const pem = (path: string, summary: string, about: string, which: "ca" | "bundle"): Route =>
    defineRoute({
      method: "get",
      path,
      summary,
      answers: { 200: { about, types: [PEM] } },
      errors: ["SQ_INVALID_CA"],
      handle: async () => text((await house.authority.trusted())[which], PEM),
    });
  return [
    pem("/ca.pem", "The certificate of the CA that bots must trust.", "PEM", "ca"),
    pem(
      "/bundle.pem",
      "That certificate and the usual roots.",
      "PEM, for what replaces all its roots",
      "bundle",
    ),
    defineRoute({
      method: "get",
      path: "/env",
      summary: "The environment variables by which programs come to trust the CA.",
      query: z.strictObject({
        shell: z
          .enum(TRUST_SHELLS)
          .optional()
          .describe("lines for this shell; all about them as JSON if left out"),
      }),
      answers: { 200: { about: "the variables", schema: trust, types: ["text/plain"] } },
      errors: ["SQ_INVALID_CA", "SQ_NOT_FOUND"],
      handle: async ({ query: { shell } }) => {
        const { files, names, subject, fingerprint, notAfter, warnings } = await house.authority.trusted();
        if (shell !== undefined) {
          if (files === null)
            throw new SquallError("SQ_NOT_FOUND", "the CA is in no folder that variables could name", {
              hint: "squall env --write FOLDER, or tls.ca in squall.yaml",
            });
          return text(trustLines(shell, files), "text/plain; charset=utf-8");
        }
        const values = files === null ? {} : trustValues(files);
        return json({
          subject,
          fingerprint,
          not_after: new Date(notAfter).toISOString(),
          names,
          warnings: warnings(),
          files: files === null ? null : { ca: files.ca, bundle: files.bundle },
          variables: TRUST_VARIABLES.map(({ name, roots, readers }) => ({
            name,
            roots,
            readers,
            value: values[name] ?? null,
          })),
          java: files === null ? null : javaCommand(files.ca),
        });
      },
    }),
  ];
}
