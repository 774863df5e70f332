import { describe, expect, it } from "vitest";
import {
  LANE,
  Random,
  admissionDraw,
  drawKey,
  keyedDrawKey,
  philox,
  type DrawName,
} from "../../src/core/random.js";

const NAME: DrawName = {
  seed: 7,
  activation: "lost-ack",
  phase: "crash",
  pass: 1,
  fault: "lose-the-ack",
  proxy: "jobs",
  bot: "bot-1",
};

/**
 * The promise of version 1 of the rule: whoever runs a profile again with the same seed gets these draws,
 * in every later release. Worked out by a second implementation of the rule, in another language.
 */
const GOLDEN = [
  {
    name: { ...NAME },
    key: { high: 2167336940, low: 2641843831 },
    admission: [0.38689090087184386, 0.32901946996362574, 0.9444840039703825, 0.22366758917058172],
    subject: [
      0.36660284577320323, 0.9158441365011689, 0.9809462318190991, 0.5324393640438974, 0.19455014952186267,
    ],
    downstream: [0.7616529308095299, 0.7798555020793242],
  },
  {
    name: { ...NAME, bot: "bot-2" },
    key: { high: 336011221, low: 4053705077 },
    admission: [0.4284822659878631, 0.6827473295462657, 0.12269963725495436, 0.3077490207164134],
    subject: [
      0.8332632608365245, 0.4773790321360851, 0.9520858378134461, 0.7045121232333411, 0.2699292054425312,
    ],
    downstream: [0.712105528743247, 0.04115732741481737],
  },
  {
    name: { ...NAME, seed: 8 },
    key: { high: 4202839002, low: 2152104573 },
    admission: [0.14873365802949334, 0.9988968809328993, 0.0024707491353292976, 0.9386403877764214],
    subject: [
      0.9257254691146062, 0.5485196464042364, 0.38384830949398074, 0.9974453772488183, 0.28296651412951745,
    ],
    downstream: [0.3583993548673342, 0.2756745965810795],
  },
  {
    name: { ...NAME, pass: 2 },
    key: { high: 3176123541, low: 2218704584 },
    admission: [0.4474377864806307, 0.3022199961576183, 0.09586992485484813, 0.7836204099913869],
    subject: [
      0.275738345432487, 0.8968200217815107, 0.2380068638499051, 0.7466581517650713, 0.2695942011535284,
    ],
    downstream: [0.5902363272486696, 0.32197185645816084],
  },
  {
    name: { ...NAME, fault: "latency", bot: 'übung "x"' },
    key: { high: 351645000, low: 3626102756 },
    admission: [0.8944199212462055, 0.2852675581339179, 0.5611353498930572, 0.11726009549628824],
    subject: [
      0.9798702982045457, 0.9380964781167698, 0.16291535145310454, 0.5513241510146254, 0.8245688724333478,
    ],
    downstream: [0.8573546568878868, 0.5382858246664189],
  },
  {
    name: { ...NAME, seed: 9007199254740991, phase: "", bot: "" },
    key: { high: 2818065965, low: 3735042018 },
    admission: [0.2960547800921004, 0.7940931700726162, 0.41288608198074794, 0.10187710449611742],
    subject: [
      0.6768166552956663, 0.9551124312193714, 0.3687645800202579, 0.955877460155187, 0.14390756306137387,
    ],
    downstream: [0.9929295792735011, 0.9881517157647661],
  },
];

describe("philox", () => {
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the published vector for counter %j", (counter, [key0 = 0, key1 = 0], expected) => {
    const words = [...counter] as [number, number, number, number];
    philox(words, key0, key1);
    expect(words).toEqual(expected);
  });
});

describe("named draws", () => {
  it.each(GOLDEN)("are frozen for $name", ({ name, key, admission, subject, downstream }) => {
    expect(drawKey(name)).toEqual(key);
    expect([0, 1, 2, 2 ** 32].map((ordinal) => admissionDraw(key, ordinal))).toEqual(admission);
    const first = new Random(key, 0, LANE.subject);
    expect(subject.map(() => first.unit())).toEqual(subject);
    const fourth = new Random(key, 3, LANE.downstream);
    expect(downstream.map(() => fourth.unit())).toEqual(downstream);
  });

  it("depend on each part of the name", () => {
    const others: Partial<DrawName>[] = [
      { seed: 8 },
      { activation: "x" },
      { phase: "x" },
      { pass: 2 },
      { fault: "x" },
      { proxy: "x" },
      { bot: "x" },
    ];
    const keys = [{}, ...others].map((other) => JSON.stringify(drawKey({ ...NAME, ...other })));
    expect(new Set(keys).size).toBe(8);
  });

  it("do not run into one another where names hold quotes or commas", () => {
    const a = drawKey({ ...NAME, fault: 'x","y', proxy: "z" });
    const b = drawKey({ ...NAME, fault: "x", proxy: 'y","z' });
    expect(a).not.toEqual(b);
  });

  it("of one lane leave the others alone", () => {
    const key = drawKey(NAME);
    const alone = new Random(key, 5, LANE.downstream);
    const meant = [alone.unit(), alone.unit()];
    const other = new Random(key, 5, LANE.upstream);
    const again = new Random(key, 5, LANE.downstream);
    other.unit();
    const first = again.unit();
    other.unit();
    expect([first, again.unit()]).toEqual(meant);
  });
});

describe("the distribution of draws", () => {
  const KEY = drawKey(NAME);

  it("is uniform: chi square over 100 cells, for one subject and over subjects", () => {
    const n = 200_000;
    const random = new Random(KEY, 0, LANE.subject);
    for (const draw of [(): number => random.unit(), (i: number): number => admissionDraw(KEY, i)]) {
      const cells = new Array<number>(100).fill(0);
      for (let i = 0; i < n; i++) {
        const cell = Math.floor(draw(i) * 100);
        cells[cell] = (cells[cell] ?? 0) + 1;
      }
      const chi = cells.reduce((sum, seen) => sum + (seen - n / 100) ** 2 / (n / 100), 0);
      // 99 degrees of freedom: mean 99, deviation sqrt(198) = 14.07; five of them to either side.
      expect(Math.abs(chi - 99)).toBeLessThan(5 * Math.sqrt(2 * 99));
    }
  });

  it.each([0.0001, 0.01, 0.5, 0.999])("lets a probability of %d fire as often as it says", (p) => {
    const n = 400_000;
    let fired = 0;
    for (let ordinal = 0; ordinal < n; ordinal++) if (admissionDraw(KEY, ordinal) < p) fired++;
    expect(Math.abs(fired / n - p)).toBeLessThanOrEqual(3 * Math.sqrt((p * (1 - p)) / n));
  });

  it("has no correlation between neighbours, lanes or bots", () => {
    const n = 100_000;
    const correlation = (a: (i: number) => number, b: (i: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (a(i) - 0.5) * (b(i) - 0.5);
      return (sum / n) * 12;
    };
    const other = drawKey({ ...NAME, bot: "bot-2" });
    const of = (lane: 0 | 1 | 2 | 3) => (i: number) => new Random(KEY, i, lane).unit();
    const tolerance = 4 / Math.sqrt(n);
    expect(Math.abs(correlation(of(0), (i) => of(0)(i + 1)))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(of(1), of(2)))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(of(2), of(3)))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(of(0), (i) => admissionDraw(other, i)))).toBeLessThan(tolerance);
  });

  it("gives standard normals: mean 0, variance 1, kurtosis 3", () => {
    const n = 200_000;
    const random = new Random(KEY, 1, LANE.subject);
    let [sum, squares, fourths] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const z = random.normal();
      sum += z;
      squares += z * z;
      fourths += z ** 4;
    }
    // Standard errors: 1/sqrt(n), sqrt(2/n), sqrt(96/n).
    expect(Math.abs(sum / n)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(squares / n - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(fourths / n - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });

  it("keeps whole numbers and ranges within their bounds", () => {
    const random = new Random(KEY, 2, LANE.subject);
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      seen.add(random.integer(6));
      const value = random.between(-3, 7);
      expect(value).toBeGreaterThanOrEqual(-3);
      expect(value).toBeLessThan(7);
      expect(random.chance(0)).toBe(false);
      expect(random.chance(1)).toBe(true);
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

/** The same promise of version 2, by the same second implementation. */
const KEYED_GOLDEN = [
  {
    by: "header:idempotency-key",
    hash: "72a90ea3da8b5dd0",
    key: { high: 2504326610, low: 2650012050 },
    admission: [0.8317025172767567, 0.5108303014223426, 0.3231790591043415],
    subject: [0.060716193540634844, 0.647735234474117, 0.6177844265136812],
    downstream: [0.030852027321938813, 0.8849376389606097],
  },
  {
    by: "path",
    hash: "19d835676c6dba56",
    key: { high: 4163137025, low: 128804319 },
    admission: [0.26045164854224134, 0.6123382847677158, 0.20485765890356278],
    subject: [0.24088867849774764, 0.1970864409747628, 0.9573958372254128],
    downstream: [0.6173647644835125, 0.4547194248149493],
  },
  {
    by: "body",
    hash: "20a30c01c4e5931f",
    key: { high: 3113254782, low: 1756839867 },
    admission: [0.6352205832271198, 0.41064103898738735, 0.6017648510954693],
    subject: [0.2682162339430312, 0.6946666222414124, 0.076730039475433],
    downstream: [0.13420339453480512, 0.37474638577251296],
  },
] as const;

describe("the rule of keys", () => {
  it.each(KEYED_GOLDEN)(
    "gives the golden draws by $by",
    ({ by, hash, key, admission, subject, downstream }) => {
      const made = keyedDrawKey({ ...NAME, phase: "", pass: 0, by, key: hash });
      expect(made).toEqual(key);
      expect(admission.map((_, attempt) => admissionDraw(made, attempt))).toEqual(admission);
      const own = new Random(made, 0, LANE.subject);
      expect(subject.map(() => own.unit())).toEqual(subject);
      const down = new Random(made, 0, LANE.downstream);
      expect(downstream.map(() => down.unit())).toEqual(downstream);
      const other = new Random({ high: 1, low: 2 }, 9, LANE.subject);
      other.unit();
      other.restart({ key: made, n: 0 });
      expect(subject.map(() => other.unit())).toEqual(subject);
    },
  );
});
