/** A journal entry as a line. */
import pc from "picocolors";
import { expect, it } from "vitest";
import { journalLine, type JournalEntryView } from "../../src/cli/journal-line.js";

it("says how many of the kind were left out before it", () => {
  const entry = {
    seq: 1,
    time: "2026-03-01T14:03:07.120Z",
    kind: "connection_failed",
    proxy: "jobs",
    connection: 7,
    client: "127.0.0.2",
    reason: "client_tls",
    text: "it shows none",
  };
  const line = (view: object): string => journalLine(view as JournalEntryView, pc.createColors(false));
  expect(line(entry)).toMatch(/client_tls: it shows none$/u);
  expect(line({ ...entry, more: 3 })).toMatch(
    /client_tls: it shows none {2}\(and 3 of the kind before it\)$/u,
  );
});
