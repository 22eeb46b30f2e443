import { mark, type Rule, START } from "./rule.ts";

interface Shape {
  readonly kind: string;
  /** Regular expression without look-around; an open end (`{20,}`) only at its end, so that matching stays linear. */
  readonly source: string;
  /** A shorter necessary condition than the source. */
  readonly hint?: string;
  /** The prefix is short enough to occur inside other words: it must stand at the start of a token. */
  readonly starts?: true;
  /** Its match may have no {@link RUN_CHARS} token characters in a row. */
  readonly broken?: true;
  /** Must hold a capital or a digit: keeps CSS classes and package names apart from tokens. */
  readonly mixed?: true;
}

const shape = (kind: string, source: string, more: Omit<Shape, "kind" | "source"> = {}): Shape => ({
  kind,
  source,
  ...more,
});

/** Tokens that name their maker by a prefix. Sources: the makers' documentation and the rules of gitleaks (MIT). */
const SHAPES: readonly Shape[] = [
  shape("anthropic_key", "sk-ant-[A-Za-z0-9_-]{16,}"),
  shape("openai_key", "sk-[A-Za-z0-9_-]{20,}", { starts: true, mixed: true }),
  shape("aws_access_key", "A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}", { starts: true }),
  shape("github_token", "gh[pousr]_[A-Za-z0-9]{20,}"),
  shape("github_token", "github_pat_[A-Za-z0-9_]{20,}"),
  shape("gitlab_token", "gl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|oas|soat)-[A-Za-z0-9_-]{16,}", { mixed: true }),
  shape("slack_token", "xox[a-z]-[A-Za-z0-9-]{15,}", { mixed: true }),
  shape("slack_token", "xapp-[0-9]-[A-Za-z0-9-]{20,}"),
  shape("slack_webhook", "hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}", {
    mixed: true,
    broken: true,
  }),
  shape("google_key", "AIza[A-Za-z0-9_-]{30,}", { starts: true }),
  shape("google_key", "GOCSPX-[A-Za-z0-9_-]{20,}"),
  shape("google_key", "ya29\\.[A-Za-z0-9_-]{20,}"),
  shape("stripe_key", "[sr]k_(?:live|test)_[A-Za-z0-9]{12,}"),
  shape("stripe_key", "whsec_[A-Za-z0-9]{14,}"),
  shape("npm_token", "npm_[A-Za-z0-9]{30,}"),
  shape("pypi_token", "pypi-[A-Za-z0-9_-]{32,}", { mixed: true }),
  shape("huggingface_token", "hf_[A-Za-z0-9]{30,}"),
  shape("sendgrid_key", "SG\\.[A-Za-z0-9_-]{20,64}\\.[A-Za-z0-9_-]{16,}", {
    starts: true,
    hint: "SG\\.[A-Za-z0-9_-]{20}",
  }),
  shape("twilio_key", "SK[0-9a-f]{32}", { starts: true }),
  shape("azure_key", "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{28,}", { broken: true }),
  shape("digitalocean_token", "do[opr]_v1_[A-Za-z0-9]{32,}"),
  shape("vault_token", "hv[sbr]\\.[A-Za-z0-9_-]{20,}", { starts: true, mixed: true }),
  shape("age_key", "AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
  shape("docker_token", "dckr_[po]at_[A-Za-z0-9_-]{20,}"),
  shape("shopify_token", "shp(?:at|ca|pa|ss)_[A-Za-z0-9]{32,}"),
  shape("linear_token", "lin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
  shape("databricks_token", "dapi[a-f0-9]{32,}", { starts: true }),
  shape("groq_key", "gsk_[A-Za-z0-9]{40,}"),
  shape("xai_key", "xai-[A-Za-z0-9]{40,}"),
  shape("replicate_key", "r8_[A-Za-z0-9]{30,}"),
  shape("perplexity_key", "pplx-[A-Za-z0-9]{30,}"),
  shape("figma_token", "figd_[A-Za-z0-9_-]{30,}"),
  shape("postman_key", "PMAK-[A-Za-z0-9-]{30,}"),
  shape("grafana_token", "gl(?:sa|c)_[A-Za-z0-9_-]{24,}"),
  shape("supabase_token", "sb(?:p|_secret)_[A-Za-z0-9_-]{30,}"),
  shape("atlassian_token", "ATATT3[A-Za-z0-9_-]{20,}"),
  shape("notion_token", "ntn_[A-Za-z0-9]{30,}"),
  shape("sentry_token", "sntr(?:ys|yu)_[A-Za-z0-9_-]{24,}"),
  shape("rubygems_key", "rubygems_[a-f0-9]{40,}"),
  shape("tailscale_key", "tskey-[a-z]{3,12}-[A-Za-z0-9-]{16,}"),
  shape("telegram_token", "[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}", { starts: true }),
  shape("mailgun_key", "key-[0-9a-f]{32}", { starts: true }),
];

const MIXED = /[A-Z0-9]/;
/** Something of each shape that is `broken`. */
const BROKEN_WORDS = ["hooks.slack.com/", "q~"];

function rule({ kind, source, hint, starts, mixed, broken }: Shape): Rule {
  const pattern = new RegExp((starts ? START : "") + source, "g");
  const tail = /^[a-zA-Z]{1,9}[-_.]/;
  return {
    hints: [hint ?? source.replace(/\{(\d+),\}$/, "{$1}")],
    ...(broken ? { words: BROKEN_WORDS } : { inRun: true }),
    apply: (text) =>
      text.replace(pattern, (found) => (mixed && !MIXED.test(found.replace(tail, "")) ? found : mark(kind))),
  };
}

/** JSON web tokens: two base64url objects and what follows. The start of a run is anchored, so each run is read once. */
const JWT: Rule = {
  words: ["eyj"],
  hints: ["eyJ[A-Za-z0-9_-]{8}"],
  apply: (text) => text.replace(jwt, mark("jwt")),
};
const jwt = new RegExp(`${START}eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){0,3}`, "g");

/** Keys inside Azure connection strings and signed addresses; the name of the field is kept. */
const AZURE: Rule = {
  words: ["key=", "sig="],
  hints: ["key=[A-Za-z0-9+/%]{20}", "sig=[A-Za-z0-9+/%]{20}"],
  apply: (text) =>
    text.replace(
      /((?:account|sharedaccess|shared-access-|access)key=|[?&;]sig=)([A-Za-z0-9+/%]{20,}={0,2})/gi,
      (_all, name: string) => name + mark("azure_key"),
    ),
};

/** Rules for tokens recognised by their own shape. */
export const PROVIDER_RULES: readonly Rule[] = [...SHAPES.map(rule), JWT, AZURE];
