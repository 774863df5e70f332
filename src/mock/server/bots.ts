/** Who may call: registered bots and their bearer tokens, which expire and can be refreshed. */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { Clock, Millis } from "../../core/clock.js";
import type { BotRecords } from "./records.js";
import { Refusal } from "./refusal.js";
import type { Bot } from "./records.js";

export interface Registration {
  readonly bot_id: string;
  readonly token: string;
  /** Seconds. */
  readonly expires_in: number;
}

const BOTS_MAX = 10_000;

export class BotRegistry {
  readonly #clock: Clock;
  readonly #tokenTtl: Millis;
  readonly #records: BotRecords | null;
  /** In the order in which they last came for a token: of too many, the first are forgotten. */
  readonly #bots = new Map<string, Bot>();
  /** Tokens carry their own expiry under a signature, so none has to be remembered. */
  readonly #secret: Buffer;

  constructor(clock: Clock, tokenTtl: Millis, records: BotRecords | null = null) {
    this.#clock = clock;
    this.#tokenTtl = tokenTtl;
    this.#records = records;
    this.#secret = records?.secret ?? randomBytes(32);
    for (const bot of records?.load() ?? []) this.#bots.set(bot.id, bot);
  }

  get size(): number {
    return this.#bots.size;
  }

  register(name: string, capabilities: readonly string[]): Registration {
    const bot: Bot = { id: `bot-${randomUUID().slice(0, 13)}`, name, capabilities };
    this.#records?.save(bot);
    return this.#issue(bot);
  }

  /** Takes any token that was ever issued to the bot: the answer with the latest one may have been lost. */
  refresh(id: string, authorization: string | undefined): Registration {
    const { bot } = this.#read(authorization);
    if (bot.id !== id) throw unauthorized("invalid_token", "The token belongs to another bot.");
    return this.#issue(bot);
  }

  authenticate(authorization: string | undefined): Bot {
    const { bot, expires } = this.#read(authorization);
    if (this.#clock.wallTime() >= expires) throw unauthorized("invalid_token", "The token expired.");
    return bot;
  }

  #issue(bot: Bot): Registration {
    this.#remember(bot);
    // Wall time: a token outlives the process, and no other clock of it is known to the next one.
    const claim = `${bot.id}.${Math.ceil(this.#clock.wallTime() + this.#tokenTtl)}`;
    return { bot_id: bot.id, token: `${claim}.${this.#sign(claim)}`, expires_in: this.#tokenTtl / 1000 };
  }

  #remember(bot: Bot): void {
    this.#bots.delete(bot.id);
    this.#bots.set(bot.id, bot);
    for (const id of this.#bots.keys()) {
      if (this.#bots.size <= BOTS_MAX) return;
      this.#bots.delete(id);
      this.#records?.remove(id);
    }
  }

  #read(authorization: string | undefined): { bot: Bot; expires: Millis } {
    if (authorization === undefined) throw unauthorized(null, "This call takes a bearer token.");
    const match = /^Bearer +((bot-[0-9a-f-]+)\.(\d+))\.([\w-]+)$/iu.exec(authorization);
    if (!match) throw unauthorized("invalid_token", "This is not a token of this server.");
    const [, claim = "", id = "", expires = "", signature = ""] = match;
    const expected = Buffer.from(this.#sign(claim));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw unauthorized(
        "invalid_token",
        "The token was not issued by this server, or not since it started.",
      );
    }
    const bot = this.#bots.get(id);
    if (!bot) throw unauthorized("invalid_token", "The bot is not known any more.");
    return { bot, expires: Number(expires) };
  }

  #sign(claim: string): string {
    return createHmac("sha256", this.#secret).update(claim).digest("base64url");
  }
}

/** RFC 6750, section 3: the header names an error only if credentials were given. */
function unauthorized(error: string | null, description: string): Refusal {
  const realm = `Bearer realm="squall mock server"`;
  const challenge = error === null ? realm : `${realm}, error="${error}", error_description="${description}"`;
  return new Refusal("unauthorized", description, { headers: { "www-authenticate": challenge } });
}
