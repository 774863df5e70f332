/**
 * Certificates (RFC 5280) and OCSP responses (RFC 6960) from what they say to signed DER. The structures are those of
 * `@peculiar/asn1-x509`, the signatures OpenSSL's. Loaded only where an authority is opened: it takes longer than a start.
 */
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as Ocsp from "@peculiar/asn1-ocsp";
import * as X509 from "@peculiar/asn1-x509";
import { createHash, randomBytes, sign, type KeyObject } from "node:crypto";
import type { Millis } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { KeyPair } from "./ca.js";
import { isAddress, isSubnet } from "../core/certificate-names.js";

const COMMON_NAME = "2.5.4.3";
const COMMON_NAME_MAX = 64;
const ANY_ADDRESS = ["0.0.0.0/0", "::/0"];

/** Whoever signs: a CA, or a key that signs its own certificate. */
export interface Signer {
  readonly name: X509.Name;
  readonly key: KeyObject;
  /** Of the public half of `key`, as certificates name it (RFC 5280, 4.2.1.2). */
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

/** What a certificate says of itself, however wrong. Times are milliseconds since 1970; seconds are kept of them. */
export interface Statement {
  readonly subject: X509.Name;
  readonly publicKey: KeyObject;
  readonly from: Millis;
  readonly until: Millis;
  readonly digest?: "sha256" | "sha1";
  /** DNS names and addresses; none leaves the extension out. */
  readonly names?: readonly string[];
  /** What the key is for; null is a CA, for whatever its certificates are for. */
  readonly usage: "server" | "client" | null;
  /** Of a CA: the names that it may sign for; empty for all. */
  readonly constraints?: readonly string[];
}

export function nameOf(commonName: string): X509.Name {
  const value = new X509.AttributeValue({ utf8String: commonName.slice(0, COMMON_NAME_MAX) });
  const attribute = new X509.AttributeTypeAndValue({ type: COMMON_NAME, value });
  return new X509.Name([new X509.RelativeDistinguishedName([attribute])]);
}

/** The subject of a certificate, in the very types of string that it has there: what it issues must name it so. */
export function subjectOf(certificate: Buffer): X509.Name {
  return parsed(certificate).tbsCertificate.subject;
}

/** The identifier of its key that a certificate states, or the usual one. */
export function keyIdOf(certificate: Buffer): Buffer {
  const { extensions, subjectPublicKeyInfo } = parsed(certificate).tbsCertificate;
  const stated = extensions?.find(({ extnID }) => extnID === X509.id_ce_subjectKeyIdentifier);
  if (stated === undefined) return sha1(subjectPublicKeyInfo.subjectPublicKey);
  return Buffer.from(AsnConvert.parse(stated.extnValue, X509.SubjectKeyIdentifier).buffer);
}

/** What it may sign for; empty for everything. */
export function constraintsIn(certificate: Buffer): readonly string[] {
  const { extensions } = parsed(certificate).tbsCertificate;
  const stated = extensions?.find(({ extnID }) => extnID === X509.id_ce_nameConstraints);
  if (stated === undefined) return [];
  const { permittedSubtrees = [] } = AsnConvert.parse(stated.extnValue, X509.NameConstraints);
  return permittedSubtrees
    .map(({ base }) => base.iPAddress ?? base.dNSName?.replace(/^\./u, "") ?? "")
    .filter((name) => name !== "");
}

export function signerOf(commonName: string, { privateKey, publicKey }: KeyPair): Signer {
  return {
    name: nameOf(commonName),
    key: privateKey,
    publicKey,
    keyId: sha1(publicKeyInfo(publicKey).subjectPublicKey),
  };
}

/** A certificate as DER. */
export function certify(statement: Statement, signer: Signer): Buffer {
  const signatureAlgorithm = algorithmOf(signer.key, statement.digest ?? "sha256");
  const tbsCertificate = new X509.TBSCertificate({
    version: X509.Version.v3,
    serialNumber: serial(),
    signature: signatureAlgorithm,
    issuer: signer.name,
    validity: new X509.Validity({
      notBefore: toSecond(statement.from, Math.ceil),
      notAfter: toSecond(statement.until, Math.floor),
    }),
    subject: statement.subject,
    subjectPublicKeyInfo: publicKeyInfo(statement.publicKey),
    extensions: new X509.Extensions(extensionsOf(statement, signer)),
  });
  const certificate = new X509.Certificate({ tbsCertificate, signatureAlgorithm });
  const said = Buffer.from(AsnConvert.serialize(tbsCertificate));
  certificate.signatureValue = signature(said, signer.key, statement.digest ?? "sha256");
  return Buffer.from(AsnConvert.serialize(certificate));
}

/** The response of a CA that it has revoked this certificate of its own (RFC 6960, 4.2), as DER to be stapled. */
export function revocation(certificate: Buffer, issuer: Signer, at: Millis, until: Millis): Buffer {
  const sha1Algorithm = new X509.AlgorithmIdentifier({ algorithm: "1.3.14.3.2.26", parameters: NULL });
  const certID = new Ocsp.CertID({
    hashAlgorithm: sha1Algorithm,
    issuerNameHash: new OctetString(sha1(AsnConvert.serialize(issuer.name))),
    issuerKeyHash: new OctetString(sha1(publicKeyInfo(issuer.publicKey).subjectPublicKey)),
    serialNumber: parsed(certificate).tbsCertificate.serialNumber,
  });
  const revoked = new Ocsp.RevokedInfo({
    revocationTime: toSecond(at, Math.floor),
    revocationReason: new X509.CRLReason(X509.CRLReasons.keyCompromise),
  });
  const response = new Ocsp.SingleResponse({
    certID,
    certStatus: new Ocsp.CertStatus({ revoked }),
    thisUpdate: toSecond(at, Math.floor),
    nextUpdate: toSecond(until, Math.floor),
  });
  const tbsResponseData = new Ocsp.ResponseData({
    responderID: new Ocsp.ResponderID({ byName: issuer.name }),
    producedAt: toSecond(at, Math.floor),
    responses: [response],
  });
  const basic = new Ocsp.BasicOCSPResponse({
    tbsResponseData,
    signatureAlgorithm: algorithmOf(issuer.key, "sha256"),
    signature: signature(Buffer.from(AsnConvert.serialize(tbsResponseData)), issuer.key, "sha256"),
  });
  const whole = new Ocsp.OCSPResponse({
    responseStatus: Ocsp.OCSPResponseStatus.successful,
    responseBytes: new Ocsp.ResponseBytes({
      responseType: Ocsp.id_pkix_ocsp_basic,
      response: new OctetString(AsnConvert.serialize(basic)),
    }),
  });
  return Buffer.from(AsnConvert.serialize(whole));
}

const NULL = new Uint8Array([5, 0]).buffer;

function extensionsOf(statement: Statement, signer: Signer): X509.Extension[] {
  const { usage, names = [], constraints = [], publicKey } = statement;
  const { KeyUsageFlags: flag } = X509;
  const isCA = usage === null;
  const encipherment = publicKey.asymmetricKeyType === "rsa" ? flag.keyEncipherment : 0;
  const use = isCA ? flag.keyCertSign | flag.cRLSign : flag.digitalSignature | encipherment;
  const keyId = sha1(publicKeyInfo(publicKey).subjectPublicKey);
  const extensions = [
    extension(X509.id_ce_basicConstraints, new X509.BasicConstraints({ cA: isCA }), true),
    extension(X509.id_ce_keyUsage, new X509.KeyUsage(use), true),
    extension(X509.id_ce_subjectKeyIdentifier, new X509.SubjectKeyIdentifier(keyId)),
    extension(
      X509.id_ce_authorityKeyIdentifier,
      new X509.AuthorityKeyIdentifier({ keyIdentifier: new X509.KeyIdentifier(signer.keyId) }),
    ),
  ];
  if (usage !== null) {
    const purpose = usage === "server" ? X509.id_kp_serverAuth : X509.id_kp_clientAuth;
    extensions.push(extension(X509.id_ce_extKeyUsage, new X509.ExtendedKeyUsage([purpose])));
  }
  if (names.length > 0)
    extensions.push(
      extension(X509.id_ce_subjectAltName, new X509.SubjectAlternativeName(names.map(generalName))),
    );
  if (constraints.length > 0)
    extensions.push(extension(X509.id_ce_nameConstraints, nameConstraints(constraints), true));
  return extensions;
}

function extension(extnID: string, value: unknown, critical = false): X509.Extension {
  return new X509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function generalName(name: string): X509.GeneralName {
  return new X509.GeneralName(isAddress(name) || isSubnet(name) ? { iPAddress: name } : { dNSName: name });
}

/** A kind of name of which none is permitted is forbidden: left unsaid, all of it would be allowed (RFC 5280, 4.2.1.10). */
function nameConstraints(permitted: readonly string[]): X509.NameConstraints {
  const isNetwork = (name: string): boolean => isAddress(name) || isSubnet(name);
  const excluded = [
    ...(permitted.some(isNetwork) ? [] : ANY_ADDRESS),
    ...(permitted.every(isNetwork) ? [""] : []),
  ];
  const trees = (names: readonly string[]): X509.GeneralSubtrees =>
    new X509.GeneralSubtrees(
      names.map((name) => new X509.GeneralSubtree({ base: generalName(subtree(name)) })),
    );
  const constraints = new X509.NameConstraints({ permittedSubtrees: trees(permitted) });
  if (excluded.length > 0) constraints.excludedSubtrees = trees(excluded);
  return constraints;
}

/** One address is a subnet of its own. */
function subtree(name: string): string {
  return isAddress(name) ? `${name}/${name.includes(":") ? 128 : 32}` : name;
}

function signature(said: Buffer, key: KeyObject, digest: "sha256" | "sha1"): ArrayBuffer {
  return bytesOf(sign(key.asymmetricKeyType === "ed25519" ? null : digest, said, key));
}

/** What the signature of such a key is called (RFC 5758, 3.2; RFC 4055, 5; RFC 8410, 3). */
function algorithmOf(key: KeyObject, digest: "sha256" | "sha1"): X509.AlgorithmIdentifier {
  switch (key.asymmetricKeyType) {
    case "ec":
      return new X509.AlgorithmIdentifier({
        algorithm: digest === "sha1" ? "1.2.840.10045.4.1" : "1.2.840.10045.4.3.2",
      });
    case "rsa":
      return new X509.AlgorithmIdentifier({
        algorithm: digest === "sha1" ? "1.2.840.113549.1.1.5" : "1.2.840.113549.1.1.11",
        parameters: NULL,
      });
    case "ed25519":
      return new X509.AlgorithmIdentifier({ algorithm: "1.3.101.112" });
    default:
      throw new SquallError(
        "SQ_INVALID_CA",
        `the CA's key is of the kind ${key.asymmetricKeyType ?? "unknown"}: expected ec, rsa or ed25519`,
      );
  }
}

/** Eight kinds of public key or a thousand certificates of one: it is read once. */
const infos = new WeakMap<KeyObject, X509.SubjectPublicKeyInfo>();
function publicKeyInfo(key: KeyObject): X509.SubjectPublicKeyInfo {
  const known = infos.get(key);
  if (known !== undefined) return known;
  const info = AsnConvert.parse(key.export({ type: "spki", format: "der" }), X509.SubjectPublicKeyInfo);
  infos.set(key, info);
  return info;
}

/** A positive INTEGER of 16 bytes that nobody guesses. */
function serial(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytesOf(bytes);
}

const parsed = (certificate: Buffer): X509.Certificate => AsnConvert.parse(certificate, X509.Certificate);
const toSecond = (at: Millis, round: (value: number) => number): Date => new Date(round(at / 1_000) * 1_000);
const sha1 = (bytes: ArrayBuffer | Buffer): Buffer =>
  createHash("sha1").update(new Uint8Array(bytes)).digest();
const bytesOf = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;
