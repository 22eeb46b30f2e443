import { mark, once, type Rule, START } from "./rule.ts";
import { isPlaceholder, looksGenerated } from "./values.ts";

const hasDigit = (text: string): boolean => /[0-9]/.test(text);

/** Whether base64 text holds `user:password`. */
function isUserAndPassword(base64: string): boolean {
  const plain = Buffer.from(base64, "base64").toString("latin1");
  return /^[\x20-\x7e]{1,128}:[\x20-\x7e]{1,256}$/.test(plain);
}

const AUTHORIZATION =
  /(authorization(?:\\{0,7}["'`])?\]?[ \t]{0,8}(?:=>|[:=,])[ \t]{0,8}(?:\\{0,7}["'`])?[ \t]{0,2})(?:(bearer|basic|token|apikey|api-key|key|digest|negotiate|splunk|ssws|geniekey|aws4-hmac-sha256)[ \t]{1,4})?((?!authorization\b)[^\s"'`\\,;<>(){}|]{4,8192})/gi;

function authorization(all: string, lead: string, scheme: string | undefined, value: string): string {
  if (isPlaceholder(value)) return all;
  if (!scheme) return looksGenerated(value) ? lead + mark("authorization") : all;
  const kind = /^bearer$/i.test(scheme) ? "bearer" : /^basic$/i.test(scheme) ? "basic_auth" : "authorization";
  return `${all.slice(0, all.length - value.length)}${mark(kind)}`;
}

const AUTHORIZATION_RULE: Rule = {
  hints: ["authorization(?:\\\\{0,7}[\"'`])?\\]?[ \\t]{0,8}[:=,]"],
  words: ["authorization"],
  apply: (text) => text.replace(AUTHORIZATION, authorization),
};

const BEARER = /(bearer[ \t]{1,4})([A-Za-z0-9._~+/-]{16,}={0,2})/gi;
const BEARER_RULE: Rule = {
  words: ["bearer"],
  hints: ["bearer[ \\t]{1,4}[A-Za-z0-9._~+/-]{16}"],
  apply: (text) =>
    text.replace(BEARER, (all, lead: string, value: string) =>
      hasDigit(value) && !isPlaceholder(value) ? lead + mark("bearer") : all,
    ),
};

const BASIC = /((?:basic[ \t]{1,4}|"auth\\{0,7}"[ \t]{0,8}:[ \t]{0,8}\\{0,7}"))([A-Za-z0-9+/]{6,4096}={0,2})/gi;
const BASIC_RULE: Rule = {
  words: ["basic", '"auth'],
  hints: ["basic[ \\t]{1,4}[A-Za-z0-9+/]{6}", '"auth\\\\{0,7}"[ \\t]{0,8}:[ \\t]{0,8}\\\\{0,7}"'],
  apply: (text) =>
    text.replace(BASIC, (all, lead: string, value: string) =>
      isUserAndPassword(value) ? lead + mark("basic_auth") : all,
    ),
};

const URL_PASSWORD =
  /(:(?:\\{0,3}\/){2}[^\s:/?#@"'`<>\\()[\]{}]{0,128}:)([^\s/?#"'`<>\\,|)]{1,256})(?=@[A-Za-z0-9[$_{%])/g;
const URL_RULE: Rule = {
  words: ["@"],
  hints: [":(?:\\\\{0,3}/){2}[^ \\t\\r\\n:/?#@\"'`<>\\\\()[\\]{}]{0,512}:[^ \\t\\r\\n/?#\"'`<>\\\\,|)]{1,1024}@"],
  apply: (text) =>
    text.replace(URL_PASSWORD, (all, lead: string, value: string) =>
      isPlaceholder(value) ? all : lead + mark("password"),
    ),
};

const COOKIE =
  /((?:set-)?cookie(?:\\{0,7}["'`])?[ \t]{0,8}[:=,][ \t]{0,8}(?:\\{0,7}["'`])?[ \t]{0,2})([\w.!#$%&*+^|~-]{1,128}=[^\r\n"'`\\]{4,8192})/gi;
/** At the end of what was taken for a cookie: the name of a value in quotes that follows on the same line, which other rules must still see. */
const NEXT_NAME = /[ \t][\w$.-]{1,64}[ \t]{0,4}[=:][ \t]{0,4}$/;
const COOKIE_RULE: Rule = {
  words: ["cookie"],
  hints: ["cookie(?:\\\\{0,7}[\"'`])?[ \\t]{0,8}[:=,]"],
  apply: (text) =>
    text.replace(COOKIE, (all, lead: string, value: string) => {
      const content = value.slice(value.indexOf("=") + 1);
      return isPlaceholder(content) || /[()]|^=/.test(content)
        ? all
        : lead + mark("cookie") + (NEXT_NAME.exec(value)?.[0] ?? "");
    }),
};

const GAP = "(?:[ \\t\\r\\n]|\\\\{1,7}[nrt]){1,8}";
const NETRC = once(() => new RegExp(`(login${GAP}[^\\s\\\\]{1,128}${GAP}password${GAP})([^\\s"'\`\\\\]{3,256})`, "g"));
const NETRC_RULE: Rule = {
  words: ["login"],
  hints: [`login${GAP}[^ \\t\\r\\n\\\\]{1,512}${GAP}password`],
  apply: (text) =>
    text.replace(NETRC(), (all, lead: string, value: string) => (isPlaceholder(value) ? all : lead + mark("password"))),
};

/** Programs that take a password with a one-letter flag, and the flag; looked for in the text before it. */
const SHORT_FLAGS: readonly (readonly [flag: string, program: RegExp])[] = [
  ["u", new RegExp(`${START}(?:curl|wget|http|https)\\b[^\\n|]*$`)],
  ["user", new RegExp(`${START}(?:curl|wget)\\b[^\\n|]*$`)],
  ["p", new RegExp(`${START}(?:sshpass|mysql|mysqldump|mysqladmin|mariadb|(?:docker|podman|az) login)\\b[^\\n|;]*$`)],
  ["a", new RegExp(`${START}redis-cli\\b[^\\n|;]*$`)],
];
const SHORT =
  /([ \t]-(u|-user|p|a)(?:[ \t=]{0,2})(?:\\{0,7}["'])?(?:([^\s:"'\\]{1,128}):)?)([^\s\x00-\x1f\x7f"'\\]{3,256})/g;
const SHORT_RULE: Rule = {
  words: [/[ \t]-(?:u|-user|p|a)/],
  hints: [
    "[ \\t]-u[ \\t=]{0,2}(?:\\\\{0,7}[\"'])?[^ \\t\\r\\n:\"'\\\\]{1,512}:[^ \\t\\r\\n]",
    "[ \\t]--user[ \\t=]",
    "sshpass",
    "redis-cli",
    "(?:docker|podman|az) login",
    "mysql",
    "mariadb",
  ],
  apply: (text) =>
    text.replace(SHORT, (all, lead: string, flag: string, user: string | undefined, value: string, at: number) => {
      const program = SHORT_FLAGS.find(([name]) => name === flag.replace("-", ""))?.[1];
      const before = text.slice(Math.max(0, at - 200), at);
      const needsUser = flag === "u" || flag === "-user";
      if (!program?.test(before) || isPlaceholder(value) || needsUser !== (user !== undefined)) return all;
      return lead + mark("password");
    }),
};

/** Credentials in headers, addresses, netrc lines and short flags. */
export const HEADER_RULES: readonly Rule[] = [
  AUTHORIZATION_RULE,
  BEARER_RULE,
  BASIC_RULE,
  URL_RULE,
  COOKIE_RULE,
  NETRC_RULE,
  SHORT_RULE,
];
