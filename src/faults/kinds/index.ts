/** All fault types, one line each. */
import type { AnyFaultType } from "../contract.js";
import acceptDelay from "./accept_delay.js";
import bandwidth from "./bandwidth.js";
import blackhole from "./blackhole.js";
import connectionLimit from "./connection_limit.js";
import corrupt from "./corrupt.js";
import cut from "./cut.js";
import dnsAnswer from "./dns_answer.js";
import dnsDelay from "./dns_delay.js";
import dnsDrop from "./dns_drop.js";
import dnsGarble from "./dns_garble.js";
import dnsRcode from "./dns_rcode.js";
import dnsTruncate from "./dns_truncate.js";
import down from "./down.js";
import drain from "./drain.js";
import duplicate from "./duplicate.js";
import duplicateRequest from "./duplicate_request.js";
import flap from "./flap.js";
import halfOpen from "./half_open.js";
import httpBody from "./http_body.js";
import httpDelay from "./http_delay.js";
import httpHeaders from "./http_headers.js";
import httpMalformed from "./http_malformed.js";
import httpStatus from "./http_status.js";
import httpTruncate from "./http_truncate.js";
import idleKill from "./idle_kill.js";
import keepaliveRace from "./keepalive_race.js";
import lateResponse from "./late_response.js";
import latency from "./latency.js";
import lostResponse from "./lost_response.js";
import noop from "./noop.js";
import overload from "./overload.js";
import packetLoss from "./packet_loss.js";
import rateLimit from "./rate_limit.js";
import reorder from "./reorder.js";
import reset from "./reset.js";
import skew from "./skew.js";
import slicer from "./slicer.js";
import slowClose from "./slow_close.js";
import slowHeaders from "./slow_headers.js";
import staleResponse from "./stale_response.js";
import staleUpstream from "./stale_upstream.js";
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
