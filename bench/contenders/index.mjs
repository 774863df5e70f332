/**
 * Who is measured. A contender stands between a client and one upstream:
 *
 *     name       as in the tables
 *     missing    why it cannot be measured here, or null
 *     start({ lab, upstreamPort, faults })  ->  { port, pid, stop() }
 *
 * A further peer is a file beside this one and a line below.
 */
import { direct } from "./direct.mjs";
import { haproxy, haproxyHttp, haproxyTls } from "./haproxy.mjs";
import { httpProxy, httpProxy3, httpxy } from "./http-proxy.mjs";
import { nginxHttp, nginxStream, nginxTls } from "./nginx.mjs";
import { httpsRelay, httpsServer, tlsPipe, tlsServer, tlsServerAlike } from "./node-tls.mjs";
import { pipe } from "./pipe.mjs";
import { squall, squallHttp, squallTls, squallTlsHttp } from "./squall.mjs";
import { toxiproxy } from "./toxiproxy.mjs";

export function contenders() {
  return {
    squall,
    squallHttp,
    pipe,
    haproxy: haproxy(),
    haproxyHttp: haproxyHttp(),
    nginxStream: nginxStream(),
    nginxHttp: nginxHttp(),
    toxiproxy: toxiproxy(),
    httpProxy: httpProxy(),
    httpProxy3: httpProxy3(),
    httpxy: httpxy(),
    squallTls,
    squallTlsHttp,
    tlsPipe: tlsPipe(),
    httpsRelay: httpsRelay(),
    tlsServer: tlsServer(),
    tlsServerAlike: tlsServerAlike(),
    httpsServer: httpsServer(),
    haproxyTls: haproxyTls(),
    nginxTls: nginxTls(),
    direct,
  };
}
