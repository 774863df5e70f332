/** One dns proxy with two names on a clock that moves when told, and what its clients see of a fault. */
import type { RecordType } from "dns-packet";
import type { CompiledFault } from "../../src/plan/value.js";
import type { VirtualClock } from "../../src/core/clock.js";
import type { DnsProxy } from "../../src/proxy/dns/proxy.js";
import { address, dnsProxy, question, said, TcpClient, UdpClient, type Asked } from "./dns-lab.js";
import { fault, timeLab, turns, type Lab } from "./lab.js";

const RECORDS = [
  address("jobs.test", "10.0.0.1", 60),
  address("jobs.test", "10.0.0.2", 60),
  address("jobs.test", "10.0.0.3", 60),
  address("jobs.test", "fd00::1", 60),
  { name: "text.test", type: "TXT", ttl: 60, data: '"hello"' },
];

export class DnsBench {
  readonly lab: Lab;
  readonly time: VirtualClock;
  readonly proxy: DnsProxy;
  readonly udp: UdpClient;

  private constructor(parts: { lab: Lab; time: VirtualClock; proxy: DnsProxy; udp: UdpClient }) {
    this.lab = parts.lab;
    this.time = parts.time;
    this.proxy = parts.proxy;
    this.udp = parts.udp;
  }

  static async with(params: Record<string, unknown> & { type: string }, rest: Partial<CompiledFault> = {}) {
    const { type, ...raw } = params;
    const { lab, time } = timeLab();
    const proxy = await dnsProxy(lab, { records: RECORDS });
    const udp = await UdpClient.to(lab, proxy);
    lab.use([fault(type, raw, rest)]);
    return new DnsBench({ lab, time, proxy, udp });
  }

  /** What comes back over UDP within these turns; `silence` if nothing does. */
  async ask(name: string, type: RecordType = "A", asked: Asked = {}): Promise<string> {
    const before = this.udp.received.length;
    this.udp.send(question(name, type, asked));
    await turns(40);
    const reply = this.udp.received[before];
    return reply === undefined ? "silence" : said(reply);
  }

  async raw(name: string, type: RecordType = "A", asked: Asked = {}): Promise<Buffer> {
    return this.udp.ask(name, type, asked);
  }

  tcp(): TcpClient {
    return new TcpClient(this.lab, this.proxy);
  }

  /** `dns_drop dropped 127.0.0.1 A jobs.test udp` */
  get hits(): string[] {
    return this.lab.facts
      .of("fault_hit")
      .map(({ fault: name, effect, bot, query }) =>
        [name, effect, bot, query?.type, query?.name, query?.transport].join(" "),
      );
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}
