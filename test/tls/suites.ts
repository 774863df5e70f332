/** The suites that Node's OpenSSL can agree upon with a P-256 certificate, and how a client is held to one of them. */
import type { ConnectionOptions, SecureVersion } from "node:tls";

export interface SuiteRow {
  readonly version: SecureVersion;
  readonly suite: string;
}

const of = (version: SecureVersion, ...suites: readonly string[]): readonly SuiteRow[] =>
  suites.map((suite) => ({ version, suite }));

export const SUITES: readonly SuiteRow[] = [
  ...of("TLSv1.3", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
  ...of("TLSv1.3", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"),
  ...of("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
  ...of("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8"),
  ...of("TLSv1.2", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384"),
  ...of("TLSv1.2", "ECDHE-ECDSA-CAMELLIA128-SHA256", "ECDHE-ECDSA-ARIA128-GCM-SHA256"),
  ...of("TLSv1.1", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA"),
  ...of("TLSv1", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA"),
];

/** Those of TLS 1.3 stand in a list of their own, which is empty if none is named; and the other list may not be empty. */
export const SERVER_CIPHERS = `${SUITES.filter(({ version }) => version === "TLSv1.3")
  .map(({ suite }) => suite)
  .join(":")}:ALL:@SECLEVEL=0`;

export function held({ version, suite }: SuiteRow): ConnectionOptions {
  const others = version === "TLSv1.3" ? ":DEFAULT" : "";
  return { minVersion: version, maxVersion: version, ciphers: `${suite}${others}:@SECLEVEL=0` };
}
