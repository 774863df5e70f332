/** The alphabet of HTTP/1.1: which octets may stand where, as tables that the scanners of this room index by byte. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

function table(holds: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (holds(octet) ? 1 : 0));
}

const TOKEN_MARKS = new Set(Buffer.from("!#$%&'*+-.^_`|~"));

/** tchar, RFC 9110 5.6.2: methods and field names. */
export const TOKEN = table(
  (octet) =>
    (octet >= 0x30 && octet <= 0x39) ||
    (octet >= 0x41 && octet <= 0x5a) ||
    (octet >= 0x61 && octet <= 0x7a) ||
    TOKEN_MARKS.has(octet),
);

/** HTAB, SP, VCHAR and obs-text, RFC 9110 5.5: field values, reason phrases, chunk extensions. No control characters, no DEL. */
export const TEXT = table((octet) => octet === HTAB || (octet >= SP && octet !== 0x7f));

/** What a request target may be made of: RFC 3986 knows visible ASCII only, but raw UTF-8 is common and harms no framing. */
export const TARGET = table((octet) => octet > SP && octet !== 0x7f);

/** The value of a hexadecimal digit, or -1. */
export const HEX = Int8Array.from({ length: 256 }, (_, octet) => {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
});

/** ASCII upper case to lower case; everything else to itself. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet,
);
