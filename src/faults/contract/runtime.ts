/** What a type may need of the runtime, beyond what Node's documentation promises. */

/**
 * `secrets`: those of a client's TLS, to encrypt an alert of our own. `stapling`: an OCSP response behind the certificate that is shown.
 * `verdicts`: what OpenSSL has found wrong with the certificate of a client.
 */
export type RuntimeNeed = "secrets" | "stapling" | "verdicts";
