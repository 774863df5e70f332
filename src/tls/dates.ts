/** What the dates of certificates are worth a word for: they are over, still to come, or as good as over. */
import { X509Certificate } from "node:crypto";
import type { Millis } from "../core/clock.js";
import { readRegular } from "../core/read-file.js";
import { DAY } from "./ca.js";
import { certificatesIn } from "./pem.js";

/** From this share of its life on it is soon over. */
const OLD = 0.8;
const SIZE_MAX = 2 ** 20;

/** `has expired on 2026-03-01T00:00:00.000Z`; null where nothing is to be said. All are milliseconds since 1970. */
export function dateTrouble(from: Millis, until: Millis, now: Millis): string | null {
  if (now >= until) return `has expired on ${iso(until)}`;
  if (now < from) return `is not valid before ${iso(from)}`;
  if (now < from + (until - from) * OLD) return null;
  const days = Math.ceil((until - now) / DAY);
  return `expires on ${iso(until)}, in ${days} ${days === 1 ? "day" : "days"}`;
}

/**
 * One sentence for a file of certificates (PEM), about the first that is in trouble; null if none is, or if there is nothing to be read.
 * Of a chain that is shown each must be good; of certificates that are trusted one is enough, since old ones stay beside their successors.
 */
export function dateWarning(file: string, use: "shown" | "trusted", now: Millis): string | null {
  let certificates: readonly X509Certificate[];
  try {
    certificates = certificatesIn(readRegular(file, SIZE_MAX).toString("utf8")).map(
      (pem) => new X509Certificate(pem),
    );
  } catch {
    // Whoever needs it says so.
    return null;
  }
  const troubled = certificates.flatMap(({ subject, validFrom, validTo }) => {
    const trouble = dateTrouble(Date.parse(validFrom), Date.parse(validTo), now);
    return trouble === null ? [] : [{ name: nameIn(subject), trouble }];
  });
  const [first, ...others] = troubled;
  if (first === undefined || (use === "trusted" && troubled.length < certificates.length)) return null;
  const more = others.length === 0 ? "" : ` (and ${others.length} more of its ${certificates.length})`;
  return `the certificate of ${first.name} in ${file} ${first.trouble}${more}`;
}

/** The common name, or all of the subject where there is none. */
function nameIn(subject: string | undefined): string {
  const [, cn] = /^CN=(.+)$/mu.exec(subject ?? "") ?? [];
  return cn ?? (subject === undefined || subject === "" ? "nobody" : subject.replaceAll("\n", ", "));
}

function iso(time: Millis): string {
  return new Date(time).toISOString();
}
