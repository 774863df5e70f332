/** From a proxy as squall.yaml has it to what the proxy is made from. */
import { readConfig, type Config, type ProxyConfig, type UpstreamTls } from "../config/config.js";
import type { SecureConfig } from "../config/secure.js";
import type { ProxyDefaults } from "../control.js";
import { SquallError } from "../core/errors.js";
import { invariant } from "../core/invariant.js";
import type { FileProxy } from "../proxy/proxy-set.js";
import type { TlsOptions } from "../proxy/upstream/dial.js";
import { readCertificates, readPair } from "../tls/pem-files.js";

/** Of proxies that come without a time-out of their own. */
const DIAL_TIMEOUT_MS = 10_000;

/** What the daemon itself adds to each of its proxies. */
export interface SpecBase {
  /** Pools draw their choices with it, and tokens that say no name are given one. */
  readonly seed: number;
  readonly limits: Config["limits"];
}

/** Of proxies that come as addresses and nothing else. */
export function proxyDefaults(base: SpecBase): ProxyDefaults {
  const { limits } = base;
  const { config } = readConfig({
    text: '{ "proxies": { "p": { "listen": ":1", "upstream": "http://p" } } }',
  });
  const [http] = config.proxies.map((proxy) => specFrom(proxy, base));
  invariant(http?.protocol === "http", "an upstream of http:// makes no http proxy");
  const { name: _name, listen: _listen, upstream: _upstream, tls: _tls, ...rest } = http;
  return {
    http: rest,
    dialTimeout: DIAL_TIMEOUT_MS,
    connections: limits.connections,
    proxyProtocol: "off",
    except: [],
  };
}

/** Throws SQ_INVALID_CONFIG if a file that it names cannot be read. */
export function specFrom(proxy: ProxyConfig, { seed, limits }: SpecBase): FileProxy {
  if (proxy.secure !== null) checkSecure(proxy.secure, proxy.name);
  const common = {
    name: proxy.name,
    listen: proxy.listen,
    upstream: proxy.upstream,
    dialTimeout: proxy.dialTimeout,
    connections: proxy.connections ?? limits.connections,
    proxyProtocol: proxy.proxyProtocol,
    except: proxy.except,
    ...(proxy.pool === null ? {} : { pool: { ...proxy.pool, seed } }),
    ...(proxy.enabled ? {} : { enabled: false }),
    ...(proxy.secure === null ? {} : { secure: { ...proxy.secure, helloTimeout: proxy.headTimeout } }),
  };
  const tls = proxy.tls === null ? null : tlsOf(proxy.tls, proxy.name);
  if (proxy.protocol === "tcp")
    return {
      ...common,
      protocol: "tcp",
      ...(tls === null ? {} : { tls }),
      ...(proxy.secure === null ? {} : { identify: proxy.identify }),
    };
  if (proxy.protocol === "dns") return { ...common, protocol: "dns", ...proxy.dns };
  if (proxy.protocol === "udp") return { ...common, protocol: "udp", idleTimeout: proxy.idleTimeout };
  return {
    ...common,
    protocol: "http",
    tls,
    identify: proxy.identify,
    salt: `squall/bot/${seed}`,
    persona: proxy.persona,
    faultHeader: proxy.faultHeader,
    ambiguous: proxy.ambiguous,
    ...(proxy.host === "preserve" ? {} : { host: proxy.host }),
    ...(proxy.rewrite.length === 0 ? {} : { rewrite: proxy.rewrite }),
    headTimeout: proxy.headTimeout,
    headBytes: limits.header,
  };
}

/** Throws SQ_INVALID_CONFIG. */
function tlsOf({ ca, insecure, servername, own, min }: UpstreamTls, proxy: string): TlsOptions {
  const path = `proxies.${proxy}.tls`;
  const pair = own === null ? null : about(`${path}.cert`, () => readPair(own));
  return {
    ca: ca === null ? null : about(`${path}.ca`, () => readCertificates(ca)),
    insecure,
    servername,
    own: pair === null ? null : { cert: pair.cert, key: pair.key },
    min,
    ...(ca === null && own === null ? {} : { files: { ca, own } }),
  };
}

/** Throws SQ_INVALID_CONFIG about the setting where a file cannot be used: the proxy reads it itself. */
function checkSecure({ certificates, clients }: SecureConfig, proxy: string): void {
  const path = `proxies.${proxy}.secure`;
  for (const [index, paths] of certificates.entries())
    about(`${path}.certificates.${index}.cert`, () => readPair(paths));
  if (clients !== null) about(`${path}.clients.ca`, () => readCertificates(clients.ca));
}

/** A mistake in a file becomes one about the setting that names it. */
export function about<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    throw new SquallError(error.code, error.message, { path, cause: error });
  }
}
