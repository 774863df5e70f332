import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { AddressBook } from "../../../src/proxy/upstream/address-book.js";

function stage() {
  const clock = new VirtualClock();
  return { clock, book: new AddressBook(clock) };
}

describe("the order of addresses", () => {
  it("alternates the families, IPv4 first", () => {
    const { book } = stage();
    expect(book.ordered(["fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2", "10.0.0.3"], 0)).toEqual([
      "10.0.0.1",
      "fd00::1",
      "10.0.0.2",
      "fd00::2",
      "10.0.0.3",
    ]);
  });

  it("begins with another one each time, whatever order a DNS server gives", () => {
    const { book } = stage();
    const firsts = [
      ["10.0.0.3", "10.0.0.1", "10.0.0.2"],
      ["10.0.0.2", "10.0.0.3", "10.0.0.1"],
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    ].map((addresses, turn) => book.ordered(addresses, turn)[0]);
    expect(firsts).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1"]);
  });

  it("puts those that failed within the last 30 s behind the others, the longest ago first", () => {
    const { book, clock } = stage();
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    book.failed("10.0.0.1");
    clock.advance(1_000);
    book.failed("10.0.0.2");
    expect(book.ordered(addresses, 0)).toEqual(["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
    expect(book.ordered(addresses, 1)).toEqual(["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
    book.worked("10.0.0.2");
    expect(book.ordered(addresses, 1)).toEqual(["10.0.0.3", "10.0.0.2", "10.0.0.1"]);
    clock.advance(29_000);
    expect(book.ordered(addresses, 0)).toEqual(addresses);
  });

  it("takes turns among those that are well, so that none gets the share of a dead one", () => {
    const { book } = stage();
    book.failed("10.0.0.3");
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const firsts = [0, 1, 2, 3].map((turn) => book.ordered(addresses, turn)[0]);
    expect(firsts).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
  });

  it("puts a family behind the other that way too", () => {
    const { book } = stage();
    book.failed("10.0.0.1");
    expect(book.ordered(["10.0.0.1", "fd00::1"], 0)).toEqual(["fd00::1", "10.0.0.1"]);
  });
});
