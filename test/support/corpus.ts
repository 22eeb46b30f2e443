import { createHash, createHmac, generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

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

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const BASE62 = DIGITS + UPPER + LOWER;
const HEX = `${DIGITS}abcdef`;
const BASE32 = `${UPPER}234567`;

const draw = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
const hex = (length: number): string => draw(HEX, length);
/** With a digit in it for sure, as nearly every key of this length has one. */
const base62 = (length: number): string => {
  const drawn = draw(BASE62, length);
  const at = randomInt(length);
  return /[0-9]/.test(drawn) ? drawn : drawn.slice(0, at) + draw(DIGITS, 1) + drawn.slice(at + 1);
};
const url64 = (length: number): string => randomBytes(length).toString("base64url").slice(0, length);
const b64 = (bytes: number): string => randomBytes(bytes).toString("base64");
const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-${draw("89ab", 1)}${hex(3)}-${hex(12)}`;
/** A password as a manager makes it: letters and digits, both for sure. */
const password = (length = 14): string => `${base62(length - 2)}${draw(DIGITS, 1)}${draw(LOWER, 1)}`;
/** One with signs that mean nothing to shells, URLs and quotes. */
const signed = (): string => `${base62(7)}!${base62(4)}_${draw(DIGITS, 2)}`;

const toBase62 = (value: number): string => {
  let out = "";
  for (let left = value; left > 0; left = Math.floor(left / 62)) out = BASE62[left % 62]! + out;
  return out.padStart(6, "0");
};
/** GitHub's and npm's form: thirty characters and the checksum of them, as GitHub described it in 2021. */
const checked = (prefix: string): string => {
  const body = base62(30);
  return prefix + body + toBase62(crc32(body));
};
const jwt = (): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: draw(DIGITS, 10), name: "Ada", iat: 1_790_000_000 })}`;
  return `${body}.${createHmac("sha256", randomBytes(32)).update(body).digest("base64url")}`;
};

type Make = () => string;

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

/** A secret that only its place gives away: `@` is where it stands. */
type Placed = readonly [family: string, form: string, make: Make];
const USER = "ada";

const PLACES: readonly Placed[] = [
  // addresses and connection strings
  ["postgres address", `postgres://${USER}:@@db.example.com:5432/shop?sslmode=require`, password],
  ["mysql address", `mysql://root:@@127.0.0.1/app`, password],
  ["mongodb address", `mongodb+srv://${USER}:@@cluster0.ab12c.mongodb.net/test?retryWrites=true`, password],
  ["redis address", "redis://:@@cache.example.com:6379/0", password],
  ["rediss address", "rediss://default:@@eu1-x.upstash.io:6379", () => base62(32)],
  ["amqp address", `amqps://${USER}:@@mq.example.com/vhost`, password],
  ["https address", `git clone https://${USER}:@@git.example.com/team/app.git`, password],
  ["address with a token for a user", "https://@@git.example.com/team/app.git", () => base62(40)],
  ["x-access-token address", "git push https://x-access-token:@@github.com/a/b.git", () => base62(40)],
  ["ftp address", `ftp://${USER}:@@files.example.com/`, password],
  ["smtp address", `smtps://mail%40example.com:@@smtp.example.com:465`, password],
  ["jdbc mysql", `jdbc:mysql://db:3306/app?user=${USER}&password=@&useSSL=true`, password],
  ["jdbc sql server", `jdbc:sqlserver://db:1433;databaseName=app;user=${USER};password=@;encrypt=true`, password],
  [
    "ado connection",
    `Server=tcp:db.example.net,1433;Initial Catalog=app;User ID=${USER};Password=@;Encrypt=True;`,
    signed,
  ],
  ["odbc connection", `Driver={ODBC Driver 18};Server=db;Uid=${USER};Pwd=@;`, signed],
  ["libpq connection", `psql "host=db.example.com dbname=app user=${USER} password=@ sslmode=require"`, password],
  [
    "azure storage",
    "DefaultEndpointsProtocol=https;AccountName=store;AccountKey=@;EndpointSuffix=core.windows.net",
    () => b64(64),
  ],
  [
    "azure service bus",
    "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=@",
    () => b64(32),
  ],
  ["azure cosmos", "AccountEndpoint=https://x.documents.azure.com:443/;AccountKey=@;", () => b64(64)],
  [
    "azure signed address",
    "https://store.blob.core.windows.net/c/f?sv=2023-11-03&se=2027-01-01&sr=b&sp=r&sig=@",
    () => encodeURIComponent(b64(32)),
  ],
  [
    "aws signed address",
    `https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature=@`,
    () => hex(64),
  ],
  [
    "google signed address",
    "https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=@",
    () => hex(256),
  ],
  // headers and cookies
  ["bearer header", "Authorization: Bearer @", () => base62(40)],
  ["bearer header, curl", `curl -s -H "Authorization: Bearer @" https://api.example.com/v1`, () => url64(43)],
  ["token header, curl", `curl -H 'Authorization: token @' https://api.example.com`, () => hex(40)],
  ["basic header", "Authorization: Basic @", () => Buffer.from(`${USER}:${password()}`).toString("base64")],
  ["apikey header", "Authorization: ApiKey @", () => Buffer.from(`${url64(20)}:${url64(22)}`).toString("base64")],
  ["splunk header", "Authorization: Splunk @", uuid],
  ["okta header", "Authorization: SSWS @", () => `00${url64(40)}`],
  ["x-api-key header", `curl --header "x-api-key: @" https://api.example.com`, () => base62(40)],
  ["private-token header", `curl --header "PRIVATE-TOKEN: @" https://gitlab.example.com/api/v4`, () => url64(20)],
  ["subscription key header", "Ocp-Apim-Subscription-Key: @", () => hex(32)],
  ["rapidapi header", "X-RapidAPI-Key: @", () => `${hex(10)}msh${hex(15)}p1${hex(6)}jsn${hex(12)}`],
  ["auth token header", "X-Auth-Token: @", () => hex(32)],
  ["csrf header", "X-CSRF-Token: @", () => url64(32)],
  ["vault token header", `curl -H "X-Vault-Token: @" http://127.0.0.1:8200/v1/secret`, () => base62(24)],
  ["cookie header", "Cookie: theme=dark; sessionid=@; lang=en", () => draw(LOWER + DIGITS, 32)],
  ["set-cookie header", "Set-Cookie: connect.sid=@; Path=/; HttpOnly", () => `s%3A${url64(32)}.${url64(43)}`],
  ["cookie, curl", `curl -b "session=@" https://example.com`, () => url64(43)],
  [
    "headers as a dict",
    `requests.get(url, headers={"Authorization": "Bearer @", "Accept": "application/json"})`,
    () => base62(40),
  ],
  ["headers as an object", `fetch(url, { headers: { 'X-Api-Key': '@' } })`, () => base62(32)],
  // commands
  ["curl -u", `curl -u ${USER}:@ https://api.example.com/me`, password],
  ["curl --user", `curl --user '${USER}:@' https://api.example.com/me`, password],
  ["curl form", `curl -X POST -d 'username=${USER}&password=@' https://example.com/login`, password],
  ["curl json", `curl -d '{"email":"ada@example.com","password":"#"}' https://example.com/login`, password],
  ["wget", `wget --user=${USER} --password=@ https://example.com/f`, password],
  ["mysql -p", `mysql -h db -u root -p@ app`, password],
  ["mysqldump", `mysqldump --user=root --password=@ app > dump.sql`, password],
  ["PGPASSWORD", `PGPASSWORD=@ psql -h db -U ${USER} app`, password],
  ["PGPASSWORD quoted", `PGPASSWORD='@' pg_dump app`, signed],
  ["sshpass", `sshpass -p @ ssh ${USER}@host`, password],
  ["sshpass quoted", `sshpass -p '@' scp f ${USER}@host:`, signed],
  ["redis-cli", "redis-cli -h cache -a @ ping", password],
  ["mongosh", `mongosh --username ${USER} --password @ --host db`, password],
  ["docker login", `docker login -u ${USER} -p @ registry.example.com`, password],
  ["docker -e", "docker run -e POSTGRES_PASSWORD=@ -p 5432:5432 postgres:17", password],
  ["helm --set", "helm install db bitnami/postgresql --set auth.postgresPassword=@", password],
  ["kubectl secret", "kubectl create secret generic db --from-literal=password=@", password],
  ["vault kv put", "vault kv put secret/db username=ada password=@", password],
  ["aws configure", "aws configure set aws_secret_access_key @", () => b64(30)],
  ["az login", `az login --service-principal -u ${uuid()} -p @ --tenant x`, () => base62(40)],
  ["npm config", "npm config set //registry.example.com/:_authToken @", () => url64(36)],
  ["gh secret", "gh secret set DEPLOY_KEY --body @", () => base62(40)],
  ["openssl passin", "openssl rsa -in key.pem -passin pass:@ -out plain.pem", password],
  ["gpg passphrase", "gpg --batch --passphrase @ -d file.gpg", password],
  ["sudo from echo", "echo '@' | sudo -S apt-get update", password],
  ["htpasswd", `htpasswd -cb .htpasswd ${USER} @`, password],
  ["sql alter user", `ALTER USER ${USER} WITH PASSWORD '@';`, password],
  ["sql identified by", `CREATE USER 'app'@'%' IDENTIFIED BY '#';`, password],
  ["heroku config", "heroku config:set SECRET_KEY_BASE=@ --app x", () => hex(128)],
  ["flag with equals", "deploy --api-key=@ --region eu", () => base62(32)],
  ["flag with a space", "deploy --auth-token @ --region eu", () => base62(32)],
  ["client secret flag", `oidc login --client-id app --client-secret @`, () => url64(40)],
  // files
  [".env", "DATABASE_PASSWORD=@", password],
  [".env quoted", `STRIPE_WEBHOOK_SECRET="@"`, () => base62(40)],
  [".env signs", "ADMIN_PASS='@'", signed],
  [".env twilio", "TWILIO_AUTH_TOKEN=@", () => hex(32)],
  [".env datadog", "DD_API_KEY=@", () => hex(32)],
  [".env datadog app", "DD_APP_KEY=@", () => hex(40)],
  [".env cloudflare", "CLOUDFLARE_API_TOKEN=@", () => url64(40)],
  [".env mistral", "MISTRAL_API_KEY=@", () => base62(32)],
  [".env cohere", "COHERE_API_KEY=@", () => base62(40)],
  [".env wandb", "WANDB_API_KEY=@", () => hex(40)],
  [".env vercel", "VERCEL_TOKEN=@", () => base62(24)],
  [".env heroku", "HEROKU_API_KEY=@", uuid],
  [".env azure openai", "AZURE_OPENAI_API_KEY=@", () => hex(32)],
  [".env jwt", "JWT_SECRET=@", () => b64(32)],
  [".env django", "SECRET_KEY=@", () => base62(50)],
  [".env aws session", "AWS_SESSION_TOKEN=@", () => `FwoGZXIvYXdzE${b64(120)}`],
  ["export", "export GITHUB_WEBHOOK_SECRET=@", () => hex(40)],
  ["export many", "export A=1 DB_PASS=@ B=2", password],
  ["fish", "set -gx API_TOKEN @", () => base62(32)],
  ["csh", "setenv API_TOKEN @", () => base62(32)],
  ["cmd.exe", "set API_TOKEN=@", () => base62(32)],
  ["powershell", `$env:API_TOKEN = "@"`, () => base62(32)],
  ["powershell secure string", `ConvertTo-SecureString "@" -AsPlainText -Force`, signed],
  ["dockerfile", "ENV API_SECRET=@", () => base62(32)],
  ["compose list", "    environment:\n      - MYSQL_ROOT_PASSWORD=@", password],
  ["compose map", "    environment:\n      MYSQL_ROOT_PASSWORD: @", password],
  [
    "kubernetes data",
    "apiVersion: v1\nkind: Secret\ndata:\n  password: @\n",
    () => Buffer.from(password()).toString("base64"),
  ],
  ["kubernetes stringData", "kind: Secret\nstringData:\n  api-token: @\n", () => base62(32)],
  ["kubernetes env", `- name: API_TOKEN\n  value: "@"`, () => base62(32)],
  ["github actions", `env:\n  NPM_TOKEN: "@"`, () => base62(36)],
  ["terraform", `  master_password = "@"`, password],
  ["ansible", "ansible_become_pass: @", password],
  ["ini", "[mail]\nsmtp_password = @", password],
  ["properties", "spring.datasource.password=@", password],
  ["toml", `api_key = "@"`, () => base62(32)],
  ["yaml quoted", `client_secret: '@'`, () => url64(40)],
  ["json", `{"user":"ada","password":"@"}`, password],
  ["json spaced", `{ "apiKey" : "@" }`, () => base62(32)],
  ["json snake", `{"access_token":"@","token_type":"bearer","expires_in":3600}`, () => base62(40)],
  ["json refresh", `{"refresh_token": "@"}`, () => url64(50)],
  ["json aws", `{"Credentials":{"AccessKeyId":"x","SecretAccessKey":"@"}}`, () => b64(30)],
  ["json escaped", `"{\\"password\\":\\"@\\"}"`, password],
  ["xml element", "<server><password>@</password></server>", password],
  ["xml attribute", `<add name="db" password="@" />`, password],
  [".npmrc", "//registry.npmjs.org/:_authToken=@", uuid],
  [".npmrc password", "//npm.example.com/:_password=@", () => Buffer.from(password()).toString("base64")],
  [".netrc", `machine api.example.com\n  login ${USER}\n  password @`, password],
  [".pgpass", `db.example.com:5432:app:${USER}:@`, password],
  [".pypirc", `[pypi]\nusername = ada\npassword = @`, password],
  [
    "docker config",
    `{"auths":{"https://index.docker.io/v1/":{"auth":"@"}}}`,
    () => Buffer.from(`${USER}:${password()}`).toString("base64"),
  ],
  ["aws credentials", `[default]\naws_access_key_id = x\naws_secret_access_key = @`, () => b64(30)],
  ["git-credentials", `https://${USER}:@@git.example.com`, () => base62(40)],
  ["wp-config", `define( 'DB_PASSWORD', '@' );`, password],
  ["rails master key", "RAILS_MASTER_KEY=@", () => hex(32)],
  // code
  ["javascript", `const dbPassword = "@";`, password],
  ["typescript", `const token: string = "@";`, () => base62(40)],
  ["python", `API_KEY = "@"`, () => base62(32)],
  ["python argument", `connect(host="db", user="ada", password="@")`, password],
  ["go", `cfg := Config{User: "ada", Password: "@"}`, password],
  ["rust", `let secret_key = "@";`, () => base62(32)],
  ["java", `props.setProperty("password", "@");`, password],
  ["c#", `var clientSecret = "@";`, () => base62(36)],
  ["php", `$db_password = '@';`, password],
  ["ruby", `password: "@",`, password],
  ["ruby hash", `{ :api_key => "@" }`, () => base62(32)],
  ["kotlin", `val apiToken = "@"`, () => base62(32)],
  ["process.env", `process.env.SESSION_SECRET = "@";`, () => base62(32)],
  ["os.environ", `os.environ["API_TOKEN"] = "@"`, () => base62(32)],
  ["query in a log", "GET /callback?access_token=@&state=1 HTTP/1.1", () => base62(40)],
  ["query api_key", "https://api.example.com/v1/search?q=x&api_key=@", () => base62(32)],
  ["fragment", "https://app.example.com/?x=1&access_token=@&token_type=bearer", () => base62(40)],
];

/** Every family once, drawn anew. The secret's own hash in the family's name tells repeats apart in messages. */
export function corpus(): readonly Planted[] {
  const planted: Planted[] = [];
  for (const [family, make] of Object.entries(TOKENS)) {
    const secret = make();
    planted.push({ family, secret, text: `the ${family} is ${secret} and goes on` });
  }
  for (const [family, form, make] of PLACES) {
    const secret = make();
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
