import { mark, once, type Rule, START } from "./rule.ts";
import { isPlaceholder, isQuotedSecret, looksGenerated } from "./values.ts";

const QUOTE = `\\\\{0,7}["']`;
const VALUE = `[^\\s"'\`\\\\|<>]`;

/** A rule that hides the last group of a pattern and keeps what stands before it. */
function after(
  kind: string,
  {
    words,
    hints,
    lead,
    value,
    keep,
  }: {
    readonly words: NonNullable<Rule["words"]>;
    readonly hints: readonly string[];
    readonly lead: string;
    readonly value: string;
    /** Whether a value is left as it is, although it is no placeholder. */
    readonly keep?: (value: string) => boolean;
  },
): Rule {
  const pattern = once(() => new RegExp(`(${lead})(${value})`, "gi"));
  return {
    words,
    hints,
    apply: (text) =>
      text.replace(pattern(), (all, before: string, found: string) =>
        isPlaceholder(found) || keep?.(found) ? all : before + mark(kind),
      ),
  };
}

/** `echo PASSWORD | sudo -S`, and programs that take a password from such a pipe. */
const PIPED: Rule = {
  words: ["echo", "printf"],
  hints: ["sudo[ \\t]", "-password-stdin", "-with-token"],
  apply: (text) =>
    text.replace(piped(), (all, before: string, found: string, rest: string) =>
      isPlaceholder(found) ? all : before + mark("password") + rest,
    ),
};
const piped = once(
  () =>
    new RegExp(
      `((?:echo|printf)[ \\t]{1,4}(?:-[neE]{1,3}[ \\t]{1,4})?(?:${QUOTE})?)(${VALUE}{3,256})((?:${QUOTE})?[ \\t]{0,4}\\|[ \\t]{0,4}(?:sudo[ \\t][^\\n|]{0,40}-[A-Za-z]{0,4}S\\b|[^\\n|]{1,120}(?:--password-stdin|--with-token)))`,
      "g",
    ),
);

const COOKIE_FLAG = once(
  () => new RegExp(`([ \\t](?:-b|--cookie)[ \\t=]{1,2}(?:${QUOTE})?)([\\w.-]{1,64}=[^\\s"'\\\\]{6,4096})`, "g"),
);
const CURL = new RegExp(`${START}curl\\b[^\\n|]{0,600}$`);
const COOKIES: Rule = {
  words: [" -b", "--cookie"],
  hints: ["[ \\t]-b[ \\t=]{1,2}(?:\\\\{0,7}[\"'])?[\\w.-]{1,64}=", "--cookie[ \\t=]"],
  apply: (text) =>
    text.replace(COOKIE_FLAG(), (all, before: string, _found: string, at: number) =>
      CURL.test(text.slice(Math.max(0, at - 600), at)) ? before + mark("cookie") : all,
    ),
};

/** Passwords that commands and statements take by their place. */
export const COMMAND_RULES: readonly Rule[] = [
  PIPED,
  COOKIES,
  after("password", {
    words: ["htpasswd"],
    hints: ["htpasswd[ \\t]{1,4}-"],
    lead: `htpasswd[ \\t]{1,4}(?:-[A-Za-z]{1,8}[ \\t]{1,4}){1,4}(?:\\S{1,128}[ \\t]{1,4}){1,2}(?:${QUOTE})?`,
    value: `${VALUE}{4,128}(?=[\\s"'\\\\]|$)`,
    keep: (value) => /^[./~]|^-/.test(value) || !/[0-9]/.test(value),
  }),
  after("password", {
    words: ["identified by", "password '", 'password "', "password \\", "identified with"],
    hints: ["identified[ \\t]{1,4}by", "password[ \\t]{1,4}\\\\{0,7}[\"'][^\"'\\\\ \\t\\r\\n]{3}"],
    lead: `(?:identified[ \\t]{1,4}by|password)[ \\t]{1,4}${QUOTE}`,
    value: `[^"'\\\\\\s]{3,128}(?=${QUOTE})`,
    keep: (value) => !isQuotedSecret("password", value),
  }),
  after("password", {
    words: ["securestring"],
    hints: ["SecureString[ \\t]{1,4}(?:-String[ \\t]{1,4})?\\\\{0,7}[\"']"],
    lead: `ConvertTo-SecureString[ \\t]{1,4}(?:-String[ \\t]{1,4})?${QUOTE}`,
    value: `[^"'\\\\\\r\\n]{3,256}`,
  }),
  after("token", {
    words: ["_authtoken", "_password", "_auth"],
    hints: ["(?:config|secret)[ \\t]set[ \\t]"],
    lead: `config[ \\t]set[ \\t]{1,4}(?:${QUOTE})?//[^\\s"'\\\\]{1,200}:_(?:authToken|auth|password)(?:${QUOTE})?[ \\t=]{1,4}(?:${QUOTE})?`,
    value: `${VALUE}{6,512}`,
  }),
  after("secret", {
    words: ["secret set"],
    hints: ["(?:config|secret)[ \\t]set[ \\t]"],
    lead: `secret[ \\t]set[ \\t][^\\n|]{1,120}?[ \\t](?:-b|--body)[ \\t=]{1,2}(?:${QUOTE})?`,
    value: `${VALUE}{4,512}`,
  }),
  after("password", {
    words: [/:(?:[0-9]{4,5}|\*):/],
    hints: [":(?:[0-9]{4,5}|\\*):[^: \\t\\r\\n]{1,256}:[^: \\t\\r\\n]{1,256}:[^ \\t\\r\\n:\"'\\\\]{6}"],
    // host:port:database:user:password, a line of .pgpass
    lead: `(?:(?<![A-Za-z0-9_/.:@-])|(?<=\\\\[nrt]))[A-Za-z0-9*][A-Za-z0-9*.-]{0,128}:(?:[0-9]{4,5}|\\*):[A-Za-z0-9_*.-]{1,64}:[A-Za-z0-9_*.@-]{1,64}:`,
    value: `[^\\s:"'\\\\]{6,128}(?=[\\s"'\\\\]|$)`,
    keep: (value) => !/[A-Za-z]/.test(value) || !/[0-9]/.test(value) || /^[\\/]/.test(value),
  }),
  after("token", {
    words: ["@"],
    hints: [":(?:\\\\{0,3}/){2}[A-Za-z0-9_-]{20,512}@"],
    lead: `:(?:\\\\{0,3}/){2}`,
    value: `[A-Za-z0-9_-]{20,255}(?=@)`,
    // nobody's name is that long and of both cases
    keep: (value) => !looksGenerated(value) && !/^(?=.*[a-z])(?=.*[A-Z]).{32}/.test(value),
  }),
];
