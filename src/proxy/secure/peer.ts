/** What is known of a client that speaks TLS. */
import { shortened } from "../bot-name.js";
import type { IdentifyRule } from "../../config/identify.js";
import type { ClientCertificate, Hello } from "../../faults/contract/index.js";
import type { PeerKeys } from "../../pipeline/subject-info.js";
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";

/** A client's certificate, as far as bots are known by it. */
export interface CertificateName {
  /** The common name of its subject; null if it has none. */
  readonly cn: string | null;
  /** The first of its subject's alternative names, without its kind: `bot-7.example`, `spiffe://jobs/bot-7`. */
  readonly san: string | null;
  /** SHA-256, in lower-case hexadecimal digits without colons. */
  readonly fingerprint: string;
}

export interface Peer extends PeerKeys {
  /** The protocol that was agreed to (RFC 7301); null if none was. */
  readonly protocol: string | null;
  /** As in `TLSv1.3`; null where Squall does not end the TLS. */
  readonly version: string | null;
  readonly certificate: CertificateName | null;
}

/** Before a handshake was made with it. */
export function peerOf({ sni, alpn }: Hello): Peer {
  return { sni, alpn, protocol: null, version: null, certificate: null };
}

/** Once one was made. */
export function securedPeer(
  { sni, alpn }: Hello,
  socket: TLSSocket,
  certificate: CertificateName | null,
): Peer {
  const protocol = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null;
  return { sni, alpn, protocol, version: socket.getProtocol(), certificate };
}

export function certificateOf(socket: TLSSocket): CertificateName | null {
  return nameOf(socket.getPeerCertificate());
}

/** Whether all that it sends and gets is TLS that Squall does not end. */
export function passesThrough(peer: Peer | null | undefined): boolean {
  return peer !== null && peer !== undefined && peer.version === null;
}

/** What faults are told of it. */
export function shownBy({ certificate, version }: Peer): ClientCertificate {
  return { fingerprint: certificate?.fingerprint ?? null, subject: certificate?.cn ?? null, version };
}

/** Of what Node has read of a certificate, which is an empty object where there is none. */
export function nameOf(certificate: PeerCertificate | DetailedPeerCertificate): CertificateName | null {
  const { fingerprint256, subject, subjectaltname } = certificate as Partial<PeerCertificate>;
  if (fingerprint256 === undefined) return null;
  const cn: unknown = subject?.CN;
  return {
    cn: typeof cn === "string" ? cn : null,
    san: firstName(subjectaltname),
    fingerprint: fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** Node writes `DNS:a.example, URI:"spiffe://a,b"`: a value with a comma stands in quotes, as JSON. */
function firstName(names: string | undefined): string | null {
  const [, quoted, plain] = /^[^:]+:(?:("(?:[^"\\]|\\.)*")|([^,]*))/u.exec(names ?? "") ?? [];
  if (quoted !== undefined) {
    try {
      return String(JSON.parse(quoted));
    } catch {
      return quoted;
    }
  }
  return plain === undefined || plain === "" ? null : plain;
}

/**
 * What the rules call a client by its TLS alone; undefined as soon as the next of them asks for more: what a request says, or its
 * address, or a certificate that it has not been asked for yet.
 */
export function nameByTls(rules: readonly IdentifyRule[], peer: Peer, isSecure: boolean): string | undefined {
  for (const rule of rules) {
    if (rule.by !== "sni" && (rule.by !== "certificate" || !isSecure)) return undefined;
    const name = peerName(rule, peer);
    if (name !== undefined && name !== "") return shortened(name);
  }
  return undefined;
}

/** What a rule calls a client that speaks TLS; undefined if it says nothing of this one. */
export function peerName(rule: IdentifyRule, peer: Peer | null | undefined): string | undefined {
  if (peer === null || peer === undefined) return undefined;
  if (rule.by === "sni") return peer.sni ?? undefined;
  if (rule.by === "certificate") return peer.certificate?.[rule.field] ?? undefined;
  return undefined;
}
