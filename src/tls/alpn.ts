/** Protocols as the extension has them (RFC 7301, 3.1): their names are octets, which stand as Latin-1 in text. */
const kept = new WeakMap<readonly string[], Buffer>();

/** The same bytes for the same list. Node would write UTF-8, and anew for each connection. */
export function alpnWire(names: readonly string[]): Buffer {
  let wire = kept.get(names);
  if (wire === undefined) {
    wire = Buffer.concat(
      names.map((name) => {
        const octets = Buffer.from(name, "latin1");
        return Buffer.concat([Buffer.of(octets.length), octets]);
      }),
    );
    kept.set(names, wire);
  }
  return wire;
}
