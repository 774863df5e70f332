/** All fault types, one line each. */
import type { AnyFaultType } from "../contract.js";
import acceptDelay from "./accept-delay.js";
import bandwidth from "./bandwidth.js";
import blackhole from "./blackhole.js";
import connectionLimit from "./connection-limit.js";
import corrupt from "./corrupt.js";
import cut from "./cut.js";
import dnsAnswer from "./dns-answer.js";
import dnsDelay from "./dns-delay.js";
import dnsDrop from "./dns-drop.js";
import dnsGarble from "./dns-garble.js";
import dnsRcode from "./dns-rcode.js";
import dnsTruncate from "./dns-truncate.js";
import down from "./down.js";
import drain from "./drain.js";
import duplicate from "./duplicate.js";
import duplicateRequest from "./duplicate-request.js";
import flap from "./flap.js";
import halfOpen from "./half-open.js";
import httpBody from "./http-body.js";
import httpDelay from "./http-delay.js";
import httpHeaders from "./http-headers.js";
import httpMalformed from "./http-malformed.js";
import httpStatus from "./http-status.js";
import httpTruncate from "./http-truncate.js";
import idleKill from "./idle-kill.js";
import keepaliveRace from "./keepalive-race.js";
import lateResponse from "./late-response.js";
import latency from "./latency.js";
import lostResponse from "./lost-response.js";
import noop from "./noop.js";
import overload from "./overload.js";
import packetLoss from "./packet-loss.js";
import rateLimit from "./rate-limit.js";
import reorder from "./reorder.js";
import reset from "./reset.js";
import skew from "./skew.js";
import slicer from "./slicer.js";
import slowClose from "./slow-close.js";
import slowHeaders from "./slow-headers.js";
import staleResponse from "./stale-response.js";
import staleUpstream from "./stale-upstream.js";
import stick from "./stick.js";
import timeout from "./timeout.js";
import truncate from "./truncate.js";
import unauthorized from "./unauthorized.js";

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
