/**
 * Secrets that nobody ever used, made at run time from pieces, so that no scanner takes this repository for a leak. The
 * same seed gives the same canaries.
 */
export interface Canary {
  /** The name of the family, for messages. */
  readonly family: string;
  /** Text that must be gone after redaction. */
  readonly secret: string;
  /** The secret where it is found: a token alone, or with the name it is assigned to. */
  readonly text: string;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGIT = "0123456789";
const HEX = `${DIGIT}abcdef`;
const ALNUM = LOWER + LOWER.toUpperCase() + DIGIT;

/** A small generator (mulberry32): numbers from 0 up to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Draw = (alphabet: string, length: number) => string;

function drawer(seed: number): Draw {
  const next = random(seed);
  return (alphabet, length) => Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join("");
}

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");
const base64url = (text: string): string => Buffer.from(text, "latin1").toString("base64url");

/** Tokens that are recognised wherever they stand. */
const TOKENS: Readonly<Record<string, (d: Draw) => string>> = {
  anthropic: (d) => `${"sk-"}ant-api03-${d(`${ALNUM}_-`, 90)}AA`,
  openai: (d) => `${"sk"}-${d(ALNUM, 47)}7`,
  openai_project: (d) => `${"sk"}-proj-${d(`${ALNUM}_-`, 60)}8A`,
  aws_access_key: (d) => `${"AK"}IA${d("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)}`,
  github_classic: (d) => `${"gh"}p_${d(ALNUM, 36)}`,
  github_oauth: (d) => `${"gh"}o_${d(ALNUM, 36)}`,
  github_server: (d) => `${"gh"}s_${d(ALNUM, 36)}`,
  github_refresh: (d) => `${"gh"}r_${d(ALNUM, 36)}`,
  github_fine: (d) => `${"github"}_pat_${d(ALNUM, 22)}_${d(ALNUM, 59)}`,
  gitlab: (d) => `${"gl"}pat-${d(ALNUM, 19)}4`,
  slack_bot: (d) => `${"xo"}xb-${d(DIGIT, 12)}-${d(DIGIT, 12)}-${d(ALNUM, 24)}`,
  slack_user: (d) => `${"xo"}xp-${d(DIGIT, 11)}-${d(DIGIT, 11)}-${d(HEX, 32)}`,
  google: (d) => `${"AI"}za${d(`${ALNUM}_-`, 35)}`,
  stripe_secret: (d) => `${"sk"}_live_${d(ALNUM, 24)}`,
  stripe_restricted: (d) => `${"rk"}_live_${d(ALNUM, 24)}`,
  npm: (d) => `${"np"}m_${d(ALNUM, 36)}`,
  pypi: (d) => `${"py"}pi-AgEIcHlwaS5vcmc${d(`${ALNUM}_-`, 80)}`,
  huggingface: (d) => `${"h"}f_${d(ALNUM, 34)}`,
  sendgrid: (d) => `${"S"}G.${d(ALNUM, 22)}.${d(ALNUM, 43)}`,
  twilio: (d) => `${"S"}K${d(HEX, 32)}`,
  digitalocean: (d) => `${"do"}p_v1_${d(HEX, 64)}`,
  vault: (d) => `${"hv"}s.${d(ALNUM, 23)}5`,
  age: (d) => `${"AGE-"}SECRET-KEY-1${d("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}`,
  jwt: (d) =>
    `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(`{"sub":"${d(DIGIT, 10)}","exp":1}`)}.${d(ALNUM, 43)}`,
};

/** Secrets known by the name before them; `@` is where the secret stands. */
const NAMED: Readonly<Record<string, readonly [form: string, secret: (d: Draw) => string]>> = {
  env: ["DB_PASSWORD=@", (d) => `${d(ALNUM, 9)}9x`],
  env_letters: ["export ADMIN_PASSWORD=@", (d) => d(LOWER, 14)],
  env_quoted: ['SECRET_KEY_BASE="@"', (d) => d(HEX, 64)],
  env_symbols: ["MYSQL_PWD=@", (d) => `${d(ALNUM, 6)}$(1)!${d(ALNUM, 4)}`],
  aws_secret: ["aws_secret_access_key = @", (d) => `${d(ALNUM, 20)}/${d(ALNUM, 17)}1+`],
  ini: ["password = @", (d) => `${d(ALNUM, 8)}2k`],
  yaml: ["  password: @", (d) => `${d(ALNUM, 10)}3z`],
  yaml_quoted: ["client_secret: '@'", (d) => d(ALNUM, 32)],
  json: ['{"user": "ana", "password": "@"}', (d) => d(LOWER, 10)],
  json_key: ['{"api_key":"@","n":1}', (d) => `${d(ALNUM, 23)}6`],
  json_camel: ['{"accessToken": "@"}', (d) => `${d(ALNUM, 30)}6b`],
  code_const: ['const apiKey = "@";', (d) => `${d(ALNUM, 24)}5c`],
  code_python: ["db_pass: str = '@'", (d) => d(ALNUM, 12)],
  code_index: ['process.env["API_TOKEN"] = "@";', (d) => `${d(ALNUM, 20)}4d`],
  code_ruby: [':secret => "@",', (d) => `${d(ALNUM, 20)}4d`],
  flag_space: ["deploy --token @ --force", (d) => `${d(ALNUM, 15)}7q`],
  flag_equals: ["deploy --password=@ --force", (d) => d(LOWER, 12)],
  flag_quoted: ['deploy --api-key "@"', (d) => `${d(ALNUM, 15)}7q`],
  query: ["GET /v1/x?access_token=@&page=2", (d) => d(ALNUM, 24)],
  header_bearer: ["Authorization: Bearer @", (d) => `${d(ALNUM, 30)}1`],
  header_basic: ["Authorization: Basic @", (d) => base64(`ana:${d(ALNUM, 12)}`)],
  header_key: ["X-Api-Key: @", (d) => `${d(ALNUM, 24)}1z`],
  header_cookie: ["Cookie: sid=@; theme=dark", (d) => d(ALNUM, 32)],
  url: ["postgres://ana:@@db.example.com:5432/shop", (d) => `${d(ALNUM, 10)}`],
  url_no_user: ["redis://:@@cache:6379/0", (d) => d(ALNUM, 16)],
  npmrc: [
    "//registry.npmjs.org/:_authToken=@",
    (d) => `${d(HEX, 8)}-${d(HEX, 4)}-4${d(HEX, 3)}-a${d(HEX, 3)}-${d(HEX, 12)}`,
  ],
  netrc: ["machine api.example.com login ana password @", (d) => d(ALNUM, 12)],
  docker: ['{"auths":{"registry.example.com":{"auth":"@"}}}', (d) => base64(`ana:${d(ALNUM, 14)}`)],
  azure: ["DefaultEndpointsProtocol=https;AccountName=x;AccountKey=@;EndpointSuffix=y", (d) => `${d(ALNUM, 86)}==`],
  kubernetes: ['- name: DB_PASSWORD\n  value: "@"', (d) => `${d(ALNUM, 12)}8m`],
  xml: ["<password>@</password>", (d) => `${d(ALNUM, 12)}8m`],
  curl_user: ["curl -u ana:@ https://example.com", (d) => d(ALNUM, 12)],
  mysql: ["mysql -uroot -p@ shop", (d) => d(ALNUM, 12)],
  powershell: ['$env:API_KEY = "@"', (d) => `${d(ALNUM, 20)}2`],
  dockerfile: ["ENV NPM_TOKEN @", (d) => `${d(ALNUM, 20)}2`],
};

const KEY_KINDS = ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "", "DSA "];

function privateKey(d: Draw, kind: string, cut: boolean): Canary {
  const lines = Array.from({ length: 6 }, () => d(`${ALNUM}+/`, 64));
  const head = `-----${"BEGIN"} ${kind}PRIVATE KEY-----`;
  const text = `${head}\n${lines.join("\n")}\n${cut ? "" : `-----${"END"} ${kind}PRIVATE KEY-----`}`;
  return { family: `private_key ${kind}${cut ? "cut" : ""}`, secret: lines[3]!, text };
}

/** `rounds` canaries of every family (about 75 families). */
export function makeCanaries(seed: number, rounds: number): Canary[] {
  const d = drawer(seed);
  const all: Canary[] = [];
  for (let i = 0; i < rounds; i++) {
    for (const [family, make] of Object.entries(TOKENS)) {
      const secret = make(d);
      all.push({ family, secret, text: secret });
    }
    for (const [family, [form, make]] of Object.entries(NAMED)) {
      const secret = make(d);
      all.push({ family, secret, text: form.replace("@", () => secret) });
    }
    for (const kind of KEY_KINDS) all.push(privateKey(d, kind, false), privateKey(d, kind, true));
  }
  return all;
}

/** Places where secrets turn up in what an assistant reads and writes. Each keeps `before` and `after` readable. */
export const CONTEXTS: Readonly<Record<string, (text: string) => string>> = {
  alone: (t) => t,
  lines: (t) => `first line\n${t}\nlast line`,
  shell: (t) => `$ cat settings\n\u001b[32m${t}\u001b[0m\n$ echo done`,
  env_dump: (t) => `HOME=/home/ana\nLANG=C.UTF-8\n${t}\nSHELL=/bin/sh`,
  json: (t) => JSON.stringify({ type: "text", text: `before\n${t}\nafter` }),
  json_twice: (t) => JSON.stringify({ line: JSON.stringify({ text: `before ${t}`, input_tokens: 5 }) }),
  numbered: (t) =>
    t
      .split("\n")
      .map((line, i) => `${String(i + 1).padStart(6)}→${line}`)
      .join("\n"),
  code: (t) => `function setup() {\n  // see docs\n  ${t}\n  return 1;\n}`,
  other_script: (t) => `Größe 漢字 é ${t}`,
};
