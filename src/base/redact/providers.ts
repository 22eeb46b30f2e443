import { mark, once, type Rule, START } from "./rule.ts";

interface Shape {
  readonly kind: string;
  /** Regular expression without look-around; an open end (`{20,}`) only at its end, so that matching stays linear. */
  readonly source: string;
  /** A shorter necessary condition than the source. */
  readonly hint?: string;
  /** The prefix is short enough to occur inside other words: it must stand at the start of a token. */
  readonly starts?: true;
  /** Told where its match may have no {@link RUN_CHARS} token characters in a row, see {@link Rule.words}. */
  readonly words?: Rule["words"];
  /** It stands at the start of a token, see {@link Rule.at}. */
  readonly at?: "start" | "lead";
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
  shape("weir_token", "weir_[A-Za-z0-9_-]{32,}", { starts: true, mixed: true }),
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
    words: ["hooks.slack.com/"],
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
  shape("azure_key", "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{28,}", { words: ["q~"] }),
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
  shape("telegram_token", "[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}", { at: "lead", hint: ":AA[A-Za-z0-9_-]{30}" }),
  shape("mailgun_key", "key-[0-9a-f]{32}", { starts: true }),
  shape("aws_bedrock_key", "ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{20,}", { at: "start", hint: "ABSKQmVkcm9ja0FQSUtleS" }),
  shape("google_token", "1//0[A-Za-z0-9_-]{40,}", { at: "lead", starts: true, hint: "1//0[A-Za-z0-9_-]{20}" }),
  shape("discord_webhook", "discord(?:app)?\\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{15,21}/[A-Za-z0-9_-]{40,}", {
    words: ["webhooks/"],
    hint: "webhooks/[0-9]{15,21}/[A-Za-z0-9_-]{20}",
  }),
  shape("langsmith_key", "lsv2_(?:pt|sk)_[A-Za-z0-9_]{32,}", { at: "start" }),
  shape("pinecone_key", "pcsk_[A-Za-z0-9_]{40,}", { at: "start" }),
  shape("tavily_key", "tvly-[A-Za-z0-9-]{20,}", { at: "start", mixed: true }),
  shape("nvidia_key", "nvapi-[A-Za-z0-9_-]{40,}", { at: "start" }),
  shape("elevenlabs_key", "sk_[a-f0-9]{40,}", { at: "start", starts: true }),
  shape("crates_token", "cio[A-Za-z0-9]{32}", { at: "start", starts: true, mixed: true }),
  shape("nuget_key", "oy2[a-z0-9]{43}", { at: "start", starts: true }),
  shape("terraform_token", "[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,}", {
    at: "lead",
    hint: "atlasv1\\.[A-Za-z0-9_-]{20}",
  }),
  shape("doppler_token", "dp\\.(?:pt|ct|sa|st|scim|audit)\\.(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,}", {
    words: ["dp."],
    hint: "dp\\.(?:pt|ct|sa|st|scim|audit)\\.",
  }),
  shape("pulumi_token", "pul-[a-f0-9]{40}", { at: "start", starts: true }),
  shape("heroku_key", "HRKU-[A-Za-z0-9_-]{50,}", { at: "start" }),
  shape("netlify_token", "nfp_[A-Za-z0-9]{36}", { at: "start" }),
  shape("fly_token", "fm[12][ar]?_[A-Za-z0-9+/]{60,}", { words: [/fm[12]/] }),
  shape("planetscale_token", "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{32,}", { at: "start" }),
  shape("neon_key", "napi_[a-z0-9]{60,}", { at: "start" }),
  shape("cloudflare_key", "v1\\.0-[a-f0-9]{24}-[a-f0-9]{100,}", { at: "lead", hint: "v1\\.0-[a-f0-9]{24}" }),
  shape("mailchimp_key", "[a-f0-9]{32}-us[0-9]{1,2}", { at: "start", starts: true, hint: "[a-f0-9]{32}-us[0-9]" }),
  shape("resend_key", "re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}", { at: "start", starts: true, mixed: true }),
  shape("brevo_key", "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}", { at: "start" }),
  shape("square_token", "sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}", { at: "start" }),
  shape("braintree_token", "access_token\\$(?:production|sandbox)\\$[0-9a-z]{16}\\$[0-9a-f]{32}", {
    words: ["access_token$"],
    hint: "access_token\\$(?:production|sandbox)",
  }),
  shape("newrelic_key", "NR(?:AK|IQ|II)-[A-Za-z0-9_-]{27,}", { at: "start" }),
  shape("dynatrace_token", "dt0[a-z][0-9]{2}\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}", {
    at: "lead",
    hint: "dt0[a-z][0-9]{2}\\.[A-Z0-9]{20}",
  }),
  shape("honeycomb_key", "hc[a-z]ik_[a-z0-9]{50,}", { at: "start" }),
  shape("bitbucket_password", "ATBB[A-Za-z0-9]{30,}", { at: "start", starts: true }),
  shape("airtable_token", "pat[A-Za-z0-9]{14}\\.[a-f0-9]{64}", { starts: true, words: [/pat[a-z0-9]{14}\./] }),
  shape("dropbox_token", "sl\\.(?:u\\.)?[A-Za-z0-9_-]{100,}", {
    at: "lead",
    starts: true,
    hint: "(?:sl|u)\\.[A-Za-z0-9_-]{100}",
  }),
  shape("hubspot_token", "pat-[a-z]{2}[0-9]-[0-9a-f]{8}-[0-9a-f-]{27}", { at: "start" }),
  shape("1password_token", "ops_eyJ[A-Za-z0-9_-]{60,}", { at: "start" }),
  shape("mapbox_token", "sk\\.eyJ[A-Za-z0-9_-]{20,512}\\.[A-Za-z0-9_-]{16,}", {
    at: "lead",
    hint: "sk\\.eyJ[A-Za-z0-9_-]{17}",
  }),
  shape("contentful_token", "CFPAT-[A-Za-z0-9_-]{40,}", { at: "start" }),
  shape("posthog_key", "phx_[A-Za-z0-9]{40,}", { at: "start" }),
  shape("launchdarkly_key", "sdk-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", {
    at: "start",
    starts: true,
  }),
  shape("sourcegraph_token", "sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}", { at: "start" }),
  shape("sonar_token", "sq[uap]_[a-f0-9]{40}", { at: "start" }),
  shape("circleci_token", "CCIPAT_[A-Za-z0-9]{16,}_[a-f0-9]{40}", { at: "start", hint: "CCIPAT_[A-Za-z0-9]{16}" }),
  shape("buildkite_token", "bkua_[a-f0-9]{40}", { at: "start" }),
  shape("adafruit_key", "aio_[A-Za-z0-9]{28}", { at: "start", starts: true, mixed: true }),
];

const MIXED = /[A-Z0-9]/;
const TAIL = /^[a-zA-Z]{1,9}[-_.]/;

function rule({ kind, source, hint, starts, at, mixed, words }: Shape): Rule {
  const pattern = once(() => new RegExp((starts || at ? START : "") + source, "g"));
  return {
    hints: [hint ?? source.replace(/\{(\d+),\}$/, "{$1}")],
    ...(words ? { words } : { inRun: true }),
    ...(at ? { at } : {}),
    apply: (text) =>
      text.replace(pattern(), (found) => (mixed && !MIXED.test(found.replace(TAIL, "")) ? found : mark(kind))),
  };
}

/** JSON web tokens: two base64url objects and what follows. The start of a run is anchored, so each run is read once. */
const JWT: Rule = {
  words: ["eyj"],
  hints: ["eyJ[A-Za-z0-9_-]{8}"],
  apply: (text) => text.replace(jwt, mark("jwt")),
};
const jwt = new RegExp(`${START}eyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){0,3}`, "g");

/** Tokens of Discord's bots: the bot's number in base64, a time, a signature. */
const DISCORD: Rule = {
  inRun: true,
  at: "lead",
  hints: ["\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{20}"],
  apply: (text) =>
    text.replace(discord, (all, id: string) =>
      /^[0-9]{16,20}$/.test(Buffer.from(id, "base64").toString("latin1")) ? mark("discord_token") : all,
    ),
};
const discord = new RegExp(`${START}([MNO][A-Za-z0-9_-]{22,27})\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,}`, "g");

/** Tokens of Facebook's programs; pictures in base64 can hold the same letters, but not for so long without a sign. */
const FACEBOOK: Rule = {
  inRun: true,
  at: "start",
  hints: ["EAA[A-Z][A-Za-z0-9]{80}"],
  apply: (text) => text.replace(facebook, mark("facebook_token")),
};
const facebook = /(?<![A-Za-z0-9+/_-])EAA[A-Z][A-Za-z0-9]{80,}(?![A-Za-z0-9+/])/g;

/** Signatures in signed addresses of AWS and Google; with one, anybody may do what it was made for. */
const SIGNED: Rule = {
  words: ["signature=", "security-token="],
  hints: ["signature=[A-Za-z0-9%+/_-]{20}", "security-token=[A-Za-z0-9%+/_-]{20}"],
  apply: (text) =>
    text.replace(
      /([?&;](?:x-(?:amz|goog)-)?(?:signature|security-token)=)([A-Za-z0-9%+/_-]{20,}={0,2})/gi,
      (_all, name: string) => name + mark("signature"),
    ),
};

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
export const PROVIDER_RULES: readonly Rule[] = [...SHAPES.map(rule), DISCORD, FACEBOOK, JWT, AZURE, SIGNED];
