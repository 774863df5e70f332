/** All fault types, one line each. */
import type { AnyFaultType } from "../contract/index.js";
import acceptDelay from "./tcp/accept-delay.js";
import bandwidth from "./tcp/bandwidth.js";
import blackhole from "./tcp/blackhole.js";
import connectionLimit from "./tcp/connection-limit.js";
import corrupt from "./tcp/corrupt.js";
import cut from "./tcp/cut.js";
import dnsAnswer from "./dns/dns-answer.js";
import dnsDelay from "./dns/dns-delay.js";
import dnsDrop from "./dns/dns-drop.js";
import dnsGarble from "./dns/dns-garble.js";
import dnsRcode from "./dns/dns-rcode.js";
import dnsTruncate from "./dns/dns-truncate.js";
import down from "./tcp/down.js";
import drain from "./pool/drain.js";
import duplicate from "./udp/duplicate.js";
import duplicateRequest from "./http/duplicate-request.js";
import flap from "./pool/flap.js";
import halfOpen from "./tcp/half-open.js";
import httpBody from "./http/http-body.js";
import httpDelay from "./http/http-delay.js";
import httpHeaders from "./http/http-headers.js";
import httpMalformed from "./http/http-malformed.js";
import httpStatus from "./http/http-status.js";
import httpTruncate from "./http/http-truncate.js";
import idleKill from "./tcp/idle-kill.js";
import keepaliveRace from "./http/keepalive-race.js";
import lateResponse from "./http/late-response.js";
import latency from "./tcp/latency.js";
import lostRequest from "./http/lost-request.js";
import lostResponse from "./http/lost-response.js";
import noop from "./noop.js";
import overload from "./http/overload.js";
import packetLoss from "./tcp/packet-loss.js";
import rateLimit from "./http/rate-limit.js";
import reorder from "./udp/reorder.js";
import reset from "./tcp/reset.js";
import skew from "./pool/skew.js";
import slicer from "./tcp/slicer.js";
import slowClose from "./tcp/slow-close.js";
import slowHeaders from "./http/slow-headers.js";
import staleResponse from "./http/stale-response.js";
import staleUpstream from "./pool/stale-upstream.js";
import stick from "./pool/stick.js";
import tlsAlert from "./tls/tls-alert.js";
import tlsCertificate from "./tls/tls-certificate.js";
import tlsClientCertificate from "./tls/tls-client-certificate.js";
import tlsEnd from "./tls/tls-end.js";
import tlsHandshake from "./tls/tls-handshake.js";
import tlsTerms from "./tls/tls-terms.js";
import timeout from "./tcp/timeout.js";
import truncate from "./tcp/truncate.js";
import unauthorized from "./http/unauthorized.js";

export const FAULT_TYPES: readonly AnyFaultType[] = [
  latency,
  bandwidth,
  slicer,
  packetLoss,
  corrupt,
  truncate,
  cut,
  blackhole,
  timeout,
  reset,
  slowClose,
  halfOpen,
  idleKill,
  down,
  acceptDelay,
  connectionLimit,
  httpDelay,
  httpStatus,
  lostResponse,
  lostRequest,
  duplicateRequest,
  lateResponse,
  httpTruncate,
  httpBody,
  httpHeaders,
  httpMalformed,
  slowHeaders,
  rateLimit,
  overload,
  unauthorized,
  staleResponse,
  keepaliveRace,
  tlsCertificate,
  tlsAlert,
  tlsTerms,
  tlsHandshake,
  tlsClientCertificate,
  tlsEnd,
  duplicate,
  reorder,
  dnsRcode,
  dnsDrop,
  dnsDelay,
  dnsTruncate,
  dnsAnswer,
  dnsGarble,
  flap,
  skew,
  stick,
  staleUpstream,
  drain,
  noop,
];
