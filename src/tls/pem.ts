/** DER in the text that files and TLS contexts have it in (RFC 7468). */
import { rootCertificates } from "node:tls";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu;

export function pemOf(certificate: Buffer): string {
  const lines = certificate.toString("base64").replaceAll(/.{64}(?=.)/gu, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** Each certificate of the text, in its order, as PEM. */
export function certificatesIn(text: string): readonly string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** The roots that Node trusts, and one more: for programs in which a file takes the place of all their roots. */
export function bundleOf(ca: string): string {
  return [...rootCertificates, ca.trim(), ""].join("\n");
}
