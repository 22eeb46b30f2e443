import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import {
  BASE32,
  b64,
  base62,
  checked,
  DIGITS,
  draw,
  hex,
  jwt,
  LOWER,
  type Make,
  UPPER,
  url64,
  uuid,
} from "./corpus-draw.ts";
import { PLACES } from "./corpus-places.ts";

/**
 * A corpus of secrets for the whole of weir, written from what providers and tools publish about their formats, and not from what weir looks for: a
 * family that weir does not know is a finding. Everything is drawn anew for each run, with checksums where a format has one; nothing here is or
 * was ever valid.
 */
export interface Planted {
  readonly family: string;
  /** What must be found nowhere afterwards. */
  readonly secret: string;
  /** How it stands in a file, a command or an answer. */
  readonly text: string;
}

/** Tokens that say themselves what they are. */
const TOKENS: Readonly<Record<string, Make>> = {
  "aws key id": () => `${"AK"}IA${draw(BASE32, 16)}`,
  "aws temporary key id": () => `${"AS"}IA${draw(BASE32, 16)}`,
  "aws bedrock key": () =>
    `${"ABS"}K${Buffer.from(`BedrockAPIKey-${base62(4).toLowerCase()}-at-${draw(DIGITS, 12)}:${b64(33)}`).toString("base64")}`,
  "google api key": () => `${"AI"}zaSy${url64(33)}`,
  "google oauth secret": () => `${"GOC"}SPX-${url64(28)}`,
  "google access token": () => `${"ya"}29.a0${url64(160)}`,
  "google refresh token": () => `${"1"}//0${draw(DIGITS, 1)}${url64(60)}`,
  "azure client secret": () => `${base62(3)}${draw(DIGITS, 1)}${"Q"}~${base62(34)}`,
  "github personal": () => checked(`${"gh"}p_`),
  "github oauth": () => checked(`${"gh"}o_`),
  "github user": () => checked(`${"gh"}u_`),
  "github server": () => checked(`${"gh"}s_`),
  "github refresh": () => checked(`${"gh"}r_`),
  "github fine-grained": () => `${"github"}_pat_${base62(22)}_${base62(59)}`,
  "gitlab personal": () => `${"gl"}pat-${url64(20)}`,
  "gitlab routable": () => `${"gl"}pat-${url64(27)}.01.${hex(9)}`,
  "gitlab runner": () => `${"gl"}rt-${url64(20)}`,
  "gitlab deploy": () => `${"gl"}dt-${url64(20)}`,
  "gitlab trigger": () => `${"gl"}ptt-${hex(40)}`,
  "gitlab ci job": () => `${"gl"}cbt-${hex(2)}_${url64(20)}`,
  "slack bot": () => `${"xo"}xb-${draw(DIGITS, 12)}-${draw(DIGITS, 13)}-${base62(24)}`,
  "slack user": () => `${"xo"}xp-${draw(DIGITS, 12)}-${draw(DIGITS, 12)}-${draw(DIGITS, 13)}-${hex(32)}`,
  "slack app": () => `${"xa"}pp-1-A${draw(UPPER + DIGITS, 10)}-${draw(DIGITS, 13)}-${hex(64)}`,
  "slack rotating": () => `${"xo"}xe.xoxp-1-${base62(160)}`,
  "slack webhook": () =>
    `https://hooks.slack.com/services/T${draw(UPPER + DIGITS, 10)}/B${draw(UPPER + DIGITS, 10)}/${base62(24)}`,
  "discord webhook": () => `https://discord.com/api/webhooks/${draw(DIGITS, 18)}/${url64(68)}`,
  "discord bot": () => `${Buffer.from(draw("123456789", 18)).toString("base64")}.G${base62(5)}.${url64(38)}`,
  "telegram bot": () => `${draw("123456789", 10)}:${"A"}A${url64(33)}`,
  "stripe live": () => `${"sk"}_live_51${base62(97)}`,
  "stripe test": () => `${"sk"}_test_${base62(24)}`,
  "stripe restricted": () => `${"rk"}_live_${base62(24)}`,
  "stripe webhook": () => `${"wh"}sec_${base62(32)}`,
  "openai classic": () => `${"sk"}-${base62(20)}T3BlbkFJ${base62(20)}`,
  "openai project": () => `${"sk"}-proj-${url64(74)}T3BlbkFJ${url64(74)}`,
  "openai service": () => `${"sk"}-svcacct-${url64(58)}T3BlbkFJ${url64(58)}`,
  "openai admin": () => `${"sk"}-admin-${url64(58)}T3BlbkFJ${url64(58)}`,
  "anthropic api": () => `${"sk-"}ant-api03-${url64(93)}AA`,
  "anthropic admin": () => `${"sk-"}ant-admin01-${url64(93)}AA`,
  "anthropic oauth": () => `${"sk-"}ant-oat01-${url64(86)}AA`,
  openrouter: () => `${"sk"}-or-v1-${hex(64)}`,
  deepseek: () => `${"sk"}-${hex(32)}`,
  groq: () => `${"gs"}k_${base62(52)}`,
  xai: () => `${"xa"}i-${base62(80)}`,
  perplexity: () => `${"pp"}lx-${base62(48)}`,
  huggingface: () => `${"h"}f_${draw(LOWER + UPPER, 34)}`,
  replicate: () => `${"r"}8_${base62(37)}`,
  langsmith: () => `${"ls"}v2_pt_${hex(32)}_${hex(10)}`,
  langfuse: () => `${"sk"}-lf-${uuid()}`,
  pinecone: () => `${"pc"}sk_${base62(6)}_${base62(56)}`,
  tavily: () => `${"tv"}ly-dev-${base62(32)}`,
  nvidia: () => `${"nv"}api-${url64(64)}`,
  elevenlabs: () => `${"sk"}_${hex(48)}`,
  npm: () => checked(`${"np"}m_`),
  pypi: () =>
    `${"py"}pi-${Buffer.concat([Buffer.from("020108707970692e6f7267", "hex"), randomBytes(110)]).toString("base64url")}`,
  rubygems: () => `${"ruby"}gems_${hex(48)}`,
  "crates.io": () => `${"ci"}o${base62(32)}`,
  nuget: () => `${"oy"}2${draw(LOWER + DIGITS, 43)}`,
  docker: () => `${"dckr"}_pat_${url64(27)}`,
  "docker organisation": () => `${"dckr"}_oat_${url64(32)}`,
  "terraform cloud": () => `${base62(14)}.${"atlas"}v1.${base62(67)}`,
  "vault service": () => `${"hv"}s.${url64(90)}`,
  "vault batch": () => `${"hv"}b.${url64(138)}`,
  doppler: () => `${"dp"}.pt.${base62(43)}`,
  pulumi: () => `${"pu"}l-${hex(40)}`,
  heroku: () => `${"HR"}KU-AA${url64(58)}`,
  netlify: () => `${"nf"}p_${base62(36)}`,
  "fly.io": () => `${"fm"}2_${b64(90)}`,
  supabase: () => `${"sb"}p_${hex(40)}`,
  "supabase secret": () => `${"sb"}_secret_${url64(22)}_${base62(8)}`,
  planetscale: () => `${"psc"}ale_tkn_${url64(43)}`,
  neon: () => `${"na"}pi_${base62(64).toLowerCase()}`,
  databricks: () => `${"da"}pi${hex(32)}`,
  digitalocean: () => `${"do"}p_v1_${hex(64)}`,
  "cloudflare origin": () => `${"v1"}.0-${hex(24)}-${hex(146)}`,
  twilio: () => `${"S"}K${hex(32)}`,
  sendgrid: () => `${"S"}G.${url64(22)}.${url64(43)}`,
  mailgun: () => `${"ke"}y-${hex(32)}`,
  mailchimp: () => `${hex(32)}-us${draw("12345", 2)}`,
  resend: () => `${"r"}e_${base62(8)}_${base62(24)}`,
  brevo: () => `${"xkey"}sib-${hex(64)}-${base62(16)}`,
  shopify: () => `${"sh"}pat_${hex(32)}`,
  "shopify shared": () => `${"sh"}pss_${hex(32)}`,
  square: () => `${"sq"}0atp-${url64(22)}`,
  braintree: () => `${"access"}_token$production$${draw(LOWER + DIGITS, 16)}$${hex(32)}`,
  "new relic": () => `${"NR"}AK-${draw(UPPER + DIGITS, 27)}`,
  "sentry user": () => `${"sntr"}yu_${hex(64)}`,
  "grafana service": () => `${"gl"}sa_${base62(32)}_${hex(8)}`,
  "grafana cloud": () =>
    `${"gl"}c_${Buffer.from(JSON.stringify({ o: draw(DIGITS, 6), n: "stack", k: base62(24), m: { r: "eu" } })).toString("base64")}`,
  dynatrace: () => `${"dt"}0c01.${draw(BASE32, 24)}.${draw(BASE32, 64)}`,
  honeycomb: () => `${"hc"}aik_01${draw(LOWER + DIGITS, 56)}`,
  atlassian: () => `${"AT"}ATT3xFfGF0${url64(170)}=${hex(8).toUpperCase()}`,
  bitbucket: () => `${"AT"}BB${base62(32)}`,
  linear: () => `${"lin"}_api_${base62(40)}`,
  notion: () => `${"nt"}n_${draw(DIGITS, 11)}${base62(35)}`,
  airtable: () => `${"pa"}t${base62(14)}.${hex(64)}`,
  figma: () => `${"fig"}d_${url64(40)}`,
  dropbox: () => `${"s"}l.${url64(140)}`,
  hubspot: () => `${"pa"}t-na1-${uuid()}`,
  "1password": () =>
    `${"op"}s_${Buffer.from(JSON.stringify({ email: "x@1passwordserviceaccounts.com", muk: { k: base62(43) }, secretKey: `A3-${draw(UPPER + DIGITS, 6)}` })).toString("base64url")}`,
  age: () => `${"AGE-"}SECRET-KEY-1${draw("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}`,
  tailscale: () => `${"ts"}key-auth-${base62(17)}-${base62(33)}`,
  mapbox: () =>
    `${"s"}k.${Buffer.from(JSON.stringify({ u: "ada", a: `c${base62(24).toLowerCase()}` })).toString("base64url")}.${url64(22)}`,
  facebook: () => `${"EA"}ACEdEose0cBA${base62(120)}`,
  contentful: () => `${"CF"}PAT-${url64(43)}`,
  posthog: () => `${"ph"}x_${base62(43)}`,
  launchdarkly: () => `${"sd"}k-${uuid()}`,
  sourcegraph: () => `${"sg"}p_${hex(16)}_${hex(40)}`,
  sonarqube: () => `${"sq"}u_${hex(40)}`,
  circleci: () => `${"CCI"}PAT_${base62(22)}_${hex(40)}`,
  buildkite: () => `${"bk"}ua_${hex(40)}`,
  postman: () => `${"PM"}AK-${hex(24)}-${hex(34)}`,
  adafruit: () => `${"ai"}o_${base62(28)}`,
  "json web token": jwt,
};

const pem = (text: string): Planted["text"] => text;
const rsa = (): string =>
  generateKeyPairSync("rsa", {
    modulusLength: 1_024,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  }).privateKey;
const ec = (type: "sec1" | "pkcs8", passphrase?: string): string =>
  generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type, format: "pem", ...(passphrase ? { cipher: "aes-256-cbc", passphrase } : {}) } as never,
  }).privateKey as unknown as string;
const armoured = (label: string, bytes: Buffer): string => {
  const head = `-----${"BEGIN"} ${label}-----`;
  return `${head}\n${bytes.toString("base64").replace(/.{70}/g, "$&\n")}\n${head.replace("BEGIN", "END")}\n`;
};
const openssh = (): string =>
  armoured(
    `OPENSSH ${"PRIVATE"} KEY`,
    Buffer.concat([Buffer.from("openssh-key-v1\0\0\0\0\u0004none\0\0\0\u0004none"), randomBytes(320)]),
  );
const pgp = (): string =>
  armoured(`PGP ${"PRIVATE"} KEY BLOCK`, randomBytes(600)).replace("-----\n", "-----\nVersion: GnuPG v2\n\n");

/** A key in a text, of which every whole line in the middle must be gone. */
const keyed = (family: string, key: string, text: string): Planted => ({
  family,
  secret: key.split("\n").at(4)!,
  text: pem(text),
});

function keys(): Planted[] {
  const [pkcs1, sec1, pkcs8, locked, ssh, gpg] = [
    rsa(),
    ec("sec1"),
    ec("pkcs8"),
    ec("pkcs8", base62(9)),
    openssh(),
    pgp(),
  ];
  const account = {
    type: "service_account",
    private_key_id: hex(40),
    private_key: pkcs8,
    client_email: "x@y.iam.gserviceaccount.com",
  };
  return [
    keyed("rsa key", pkcs1, pkcs1),
    keyed("ec key", sec1, sec1),
    keyed("pkcs8 key", pkcs8, pkcs8),
    keyed("encrypted key", locked, locked),
    keyed("openssh key", ssh, ssh),
    keyed("pgp key", gpg, gpg),
    keyed("service account", pkcs8, JSON.stringify(account, null, 2)),
    keyed("key in one line of .env", pkcs1, `JWT_KEY="${pkcs1.replaceAll("\n", "\\n")}"`),
    keyed("key in yaml", sec1, `tls.key: |\n${sec1.replace(/^/gm, "    ")}`),
    keyed("key that head cut", pkcs1, pkcs1.slice(0, 500)),
  ];
}

/** Every family once, drawn anew. The secret's own hash in the family's name tells repeats apart in messages. */
export function corpus({ letters = false }: { letters?: boolean } = {}): readonly Planted[] {
  const drawn = (make: () => string): string => {
    // by chance a value may have letters only, and nobody tells it from a word there; docs/privacy.md says so
    for (let tries = 0; ; tries++) {
      const secret = make();
      if (letters || tries > 20 || /\d/.test(secret)) return secret;
    }
  };
  const planted: Planted[] = [];
  for (const [family, make] of Object.entries(TOKENS)) {
    const secret = drawn(make);
    planted.push({ family, secret, text: `the ${family} is ${secret} and goes on` });
  }
  for (const [family, form, make] of PLACES) {
    const secret = drawn(make);
    // of "@@" the first is the secret's place, the second the sign of an address; "#" stands where the text needs an @ of its own
    const text = form.includes("#") ? form.replace("#", () => secret) : form.replace("@", () => secret);
    planted.push({ family, secret, text });
  }
  return [...planted, ...keys()];
}

/** What a secret looks like where text was put into JSON once or twice, and its parts where it has lines. */
export function traces(secret: string): readonly string[] {
  const once = JSON.stringify(secret).slice(1, -1);
  return [
    ...new Set([
      secret,
      once,
      JSON.stringify(once).slice(1, -1),
      Buffer.from(secret, "latin1").toString("base64").slice(4, -8),
    ]),
  ].filter((text) => text.length >= 8);
}

/** A short name of a secret that does not give it away. */
export const nameOf = ({ family, secret }: Planted): string =>
  `${family} ${createHash("sha256").update(secret).digest("hex").slice(0, 6)}`;

/** Letters of a trace by which texts are searched; no trace is shorter. */
const KEY_CHARS = 8;

/** Looks for all secrets in a text at once. Answers their names. */
export function finder(planted: readonly Planted[]): (text: string) => string[] {
  const index = new Map<string, { readonly trace: string; readonly name: string }[]>();
  for (const one of planted)
    for (const trace of traces(one.secret)) {
      const key = trace.slice(0, KEY_CHARS);
      const entry = { trace, name: nameOf(one) };
      const known = index.get(key);
      if (known) known.push(entry);
      else index.set(key, [entry]);
    }
  return (text) => {
    const found = new Set<string>();
    for (let at = 0; at + KEY_CHARS <= text.length; at++)
      for (const { trace, name } of index.get(text.slice(at, at + KEY_CHARS)) ?? [])
        if (text.startsWith(trace, at)) found.add(name);
    return [...found];
  };
}
