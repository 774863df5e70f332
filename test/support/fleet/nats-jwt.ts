/** An operator, an account and users of NATS as JWTs, which a server takes without a list of users of its own. */
import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface UserClaims {
  /** Seconds since 1970. */
  readonly exp?: number;
  readonly nats?: Readonly<Record<string, unknown>>;
}

const utf8 = new TextEncoder();
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const seedOf = (pair: KeyPair): string => new TextDecoder().decode(pair.getSeed());

const UNLIMITED = {
  ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
  ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

/** Claims, signed by the nkey of who issues them. */
function signed(issuer: KeyPair, subject: string, claims: Readonly<Record<string, unknown>>): string {
  const head = base64url({ typ: "JWT", alg: "ed25519-nkey" });
  const jti = Math.random().toString(36).slice(2);
  const iat = Math.floor(Date.now() / 1_000);
  const body = base64url({ jti, iat, iss: issuer.getPublicKey(), sub: subject, name: subject, ...claims });
  const signature = Buffer.from(issuer.sign(utf8.encode(`${head}.${body}`))).toString("base64url");
  return `${head}.${body}.${signature}`;
}

export class NatsOperator {
  readonly #operator = nkeys.createOperator();
  readonly #account = nkeys.createAccount();
  readonly #system = nkeys.createAccount();

  /** For the configuration of a server. */
  get config(): string {
    const [operator, account, system] = [this.#operator, this.#account, this.#system];
    const jwt = signed(operator, operator.getPublicKey(), { nats: { type: "operator", version: 2 } });
    const accountJwt = (pair: KeyPair, limits: object): string =>
      signed(operator, pair.getPublicKey(), { nats: { limits, type: "account", version: 2 } });
    const {
      mem_storage: _mem,
      disk_storage: _disk,
      streams: _streams,
      consumer: _consumer,
      ...plain
    } = UNLIMITED;
    return `operator: ${jwt}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountJwt(account, UNLIMITED)}
  ${system.getPublicKey()}: ${accountJwt(system, plain)}
}`;
  }

  /** The JWT and the seed of a new user. */
  user(claims: UserClaims = {}): { readonly jwt: string; readonly seed: string } {
    const user = nkeys.createUser();
    const { nats = {}, ...others } = claims;
    const limits = { subs: -1, data: -1, payload: -1 };
    const jwt = signed(this.#account, user.getPublicKey(), {
      ...others,
      nats: { pub: {}, sub: {}, ...limits, type: "user", version: 2, ...nats },
    });
    return { jwt, seed: seedOf(user) };
  }
}

/** A user without a JWT, whose public key a server has in its list. */
export function nkeyUser(): { readonly publicKey: string; readonly seed: string } {
  const pair = nkeys.createUser();
  return { publicKey: pair.getPublicKey(), seed: seedOf(pair) };
}

export const accountSeed = (): string => seedOf(nkeys.createAccount());

/** As `nsc` writes it. */
export function credsText({ jwt, seed }: { readonly jwt: string; readonly seed: string }): string {
  return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------

*************************************************************
`;
}
