import { describe, expect, it } from "vitest";
import { BoundedMap } from "../../src/core/lru.js";

describe("a bounded map", () => {
  it("makes room by forgetting what was unused for longest, and counts it", () => {
    let told = 0;
    const map = new BoundedMap<string, number>(3, () => told++);
    for (const [index, key] of ["a", "b", "c"].entries()) map.set(key, index);
    expect(map.get("a")).toBe(0);
    map.set("d", 3);
    expect(map.get("b")).toBeUndefined();
    expect([map.get("a"), map.get("c"), map.get("d")]).toEqual([0, 2, 3]);
    expect([map.size, map.evicted, told]).toEqual([3, 1, 1]);
  });

  it("replaces a value without forgetting another", () => {
    const map = new BoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    expect([map.get("a"), map.get("b"), map.evicted]).toEqual([3, 2, 0]);
  });

  it("never grows beyond its size", () => {
    const map = new BoundedMap<number, number>(10);
    for (let i = 0; i < 1000; i++) map.set(i, i);
    expect([map.size, map.evicted]).toEqual([10, 990]);
    map.clear();
    expect(map.size).toBe(0);
  });
});
