/**
 * HTTP/2 by Upgrade is not offered to upstreams: an agreed one would take the connection out of the reach of every fault on
 * exchanges. Upgrade is hop by hop, so a proxy may leave it out (RFC 9110 7.8), and the mechanism is obsolete (RFC 9113
 * 3.1); a client that offers it goes on in HTTP/1.1.
 */
import type { FieldList } from "../../faults/contract/index.js";

/** `h2c`, its drafts such as `h2c-14`, `h2`, and `HTTP/2.0`, in any case. */
const HTTP2 = /^\s*(?:h2c?(?:-\d+)?|http\/2(?:\.\d+)?)\s*$/iu;
const SETTINGS = "http2-settings";

export function isHttp2(protocol: string): boolean {
  return HTTP2.test(protocol);
}

/** The fields of a request without that offer: what else is offered stays, and fields that are left empty go. */
export function withoutHttp2(fields: FieldList): FieldList {
  const others = fields.some(
    ([name, value]) =>
      name.toLowerCase() === "upgrade" && value.split(",").some((protocol) => !isHttp2(protocol)),
  );
  const options = (option: string): boolean => {
    const name = option.trim().toLowerCase();
    return name !== SETTINGS && (others || name !== "upgrade");
  };
  return fields.flatMap(([name, value]) => {
    switch (name.toLowerCase()) {
      case SETTINGS:
        return [];
      case "upgrade":
        return keep(name, value, (protocol) => !isHttp2(protocol));
      case "connection":
        return keep(name, value, options);
      default:
        return [[name, value] as const];
    }
  });
}

function keep(name: string, value: string, wanted: (item: string) => boolean): FieldList {
  const items = value.split(",");
  const kept = items.filter(wanted);
  if (kept.length === items.length) return [[name, value]];
  return kept.length === 0 ? [] : [[name, kept.map((item) => item.trim()).join(", ")]];
}
