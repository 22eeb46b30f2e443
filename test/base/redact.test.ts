import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactTextCold, redactValueCold } from "../../src/base/redact/cold.ts";
import { mayHoldSecret, redactText, redactValue } from "../../src/base/redact.ts";
import { CONTEXTS, makeCanaries } from "../support/canaries.ts";
import { corpus, nameOf, traces } from "../support/corpus.ts";

const CANARIES = makeCanaries(20_261_120, 3);
const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

describe("the way for a process that looks at one payload", () => {
  it("gives the same for every canary, wherever it stands", () => {
    const apart = CANARIES.flatMap(({ text }) => Object.values(CONTEXTS).map((wrap) => wrap(text))).filter(
      (text) => redactTextCold(text) !== redactText(text),
    );
    expect(apart).toEqual([]);
  });

  it("gives the same for any text made of pieces of secrets and their names", () => {
    const pieces = fc.constantFrom(
      ...CANARIES.flatMap(({ text }) => [text, text.slice(0, 12), text.toUpperCase()]),
      " -p ",
      "=",
      ": ",
      '"',
      "@",
      "\n",
      "tab\t-u",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        expect(redactTextCold(text)).toBe(redactText(text));
        expect(redactValueCold({ a: [text], password: text })).toEqual(redactValue({ a: [text], password: text }));
      }),
      { numRuns: 500 },
    );
  });
});

describe("canaries", () => {
  it("are at least 200", () => {
    expect(new Set(CANARIES.map((c) => c.secret)).size).toBeGreaterThanOrEqual(200);
  });

  for (const [name, wrap] of Object.entries(CONTEXTS)) {
    it(`are gone from: ${name}`, () => {
      const leaks: string[] = [];
      for (const { family, secret, text } of CANARIES) {
        const clean = redactText(wrap(text));
        if (clean.includes(secret) || clean.includes(inJson(secret))) leaks.push(`${family}: ${clean}`);
        if (!clean.includes("[redacted:")) leaks.push(`${family}: no mark`);
        if (redactText(clean) !== clean) leaks.push(`${family}: not stable`);
      }
      expect(leaks).toEqual([]);
    });

    it(`are noticed beforehand in: ${name}`, () => {
      const missed = CANARIES.filter(({ text }) => {
        const whole = wrap(text);
        return ![whole, latin1(whole), `x${whole}x`, latin1(`é"${whole}"é`)].every(mayHoldSecret);
      });
      expect(missed.map((c) => c.family)).toEqual([]);
    });
  }

  it("leave what surrounds them", () => {
    const [canary] = CANARIES;
    expect(redactText(`before ${canary!.text} after`)).toBe("before [redacted:anthropic_key] after");
  });

  it("keep a JSON text parseable", () => {
    for (const { text, secret } of CANARIES) {
      const line = JSON.stringify({ a: text, tool: { input: JSON.stringify({ text }) }, n: 1 });
      const clean = JSON.parse(redactText(line)) as { n: number };
      expect(clean.n).toBe(1);
      expect(JSON.stringify(clean)).not.toContain(inJson(secret));
    }
  });
});

describe("a corpus made from what is published about formats", () => {
  it("has more than 200 families, and none of them stays, alone, between lines or inside JSON", () => {
    const planted = [corpus(), corpus(), corpus()].flat();
    expect(new Set(planted.map((one) => one.family)).size).toBeGreaterThan(200);
    const left = planted.filter((one) =>
      [one.text, `first\n${one.text}\nlast`, JSON.stringify({ text: `first\n${one.text}\nlast` })].some((text) => {
        const [clean, cold] = [redactText(text), redactTextCold(text)];
        return traces(one.secret).some((trace) => clean.includes(trace) || cold.includes(trace));
      }),
    );
    expect(left.map(nameOf)).toEqual([]);
  });

  it("a token in an address goes with one digit and with none, a name there stays", () => {
    const clean = (user: string): string => redactText(`https://${user}@a.example/b.git`);
    for (const token of ["leOsydzhmtCJHWUrAMGFVLuvhJ6VGAEFjwqepADI", "abcdefghijklmnopqrSTUVWXYZabcdefghijklmn"])
      expect(clean(token)).toBe(clean("[redacted:token]"));
    expect(clean("continuous-integration-account")).toContain("account");
  });
});

describe("values that are nearly something", () => {
  it.each(["/", "~/", "a.b", "$", "", "--", "Basic ", "ab:cd@"].map((head) => [head]))(
    "cost no more than their length, behind %j",
    (head) => {
      for (const body of ["aB3_".repeat(40), "a.".repeat(80), "a-b@".repeat(40), "aB/".repeat(60), "0".repeat(160)])
        for (const tail of ["+=", "!", " ", "=", "\u0000"])
          for (const form of [
            "PASSWORD=@",
            "token: @",
            '"secret": "@"',
            "--api-key @",
            "https://u:@h/",
            "Authorization: @",
          ]) {
            const text = form.replace("@", () => `${head}${body}${tail}`);
            redactText(text); // one that is tried in every division does not come back
            redactTextCold(text);
          }
    },
  );
});

/** Text that looks like a secret's surroundings and holds none. */
const HARMLESS = [
  "const password: string = getPassword();",
  "token = getToken()",
  "interface Login { password: string; token?: string }",
  "API_KEY=$API_KEY",
  `export TOKEN="${"$"}{TOKEN}"`,
  "deploy --token <your-token> --password $PASSWORD",
  'api_key = os.environ["OPENAI_API_KEY"]',
  "apiKey: process.env.OPENAI_API_KEY,",
  '"password": "<your-password>"',
  "secret = xxx",
  "PASSWORD=xxxxxxxx",
  "PASSWORD=***",
  "token: tokens[0]",
  "if (token === other2) {}",
  "def login(self, password=None, token=token1):",
  '{"input_tokens": 12345, "max_tokens": 4096, "token_count": 7}',
  "commit 3f786850e387550fdab836ed7e6dc881de23001b",
  "id 550e8400-e29b-41d4-a716-446655440000",
  "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "private token: CancellationToken",
  "password = request.form['password']",
  "PWD=/home/ana/project1\nOLDPWD=/tmp/x1",
  "The password is required. Your token: see the docs.",
  `Authorization: Bearer ${"$"}{token}`,
  "Authorization: Bearer <token>",
  "https://example.com:8080/path?x=1",
  "git@github.com:ana/repo.git",
  "docker run -u 1000:1000 -p 8080:80 mysql",
  `/-----${"BEGIN"} (RSA )?PRIVATE KEY-----/`,
  'nextPageToken: "abc123def456"',
  'token_type: "Bearer"',
  "secretName: my-secret-1",
  'credentials: "same-origin"',
  '{ token: "keyword.operator", foreground: "ff0000" }',
  '<input type="password" name="password" placeholder="Password">',
  'console.log("token: " + token)',
  "class sk-top-container-with-long-name",
  "token: $" + "{{ secrets.GITHUB_TOKEN }}",
  "postgres://user:password@localhost/db",
  "--- PASS: TestRedact1 (0.00s)",
  "bypass: true1",
];

describe("what is no secret", () => {
  it.each(HARMLESS)("stays: %s", (text) => {
    expect(redactText(text)).toBe(text);
  });

  it("stays when it is joined", () => {
    expect(redactText(HARMLESS.join("\n"))).toBe(HARMLESS.join("\n"));
  });
});

describe("properties", () => {
  const fragment = fc.oneof(
    fc.constantFrom(
      ...[
        "password",
        "token",
        "=",
        ": ",
        '"',
        '\\"',
        "'",
        " ",
        "\n",
        "\\n",
        "Bearer ",
        "sk-",
        "ghp_",
        "eyJ",
        "://",
        "@",
        ":",
      ],
      ...["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "[redacted:", "]", "Cookie: a=", "--", "Basic "],
      ...[
        "curl -u ",
        "login ",
        "SECRET",
        "api_key",
        "value",
        ",",
        "<",
        ">",
        "&",
        ";",
        "$",
        "{",
        "(",
        "AKIA",
        "AccountKey=",
      ],
    ),
    fc.stringMatching(/^[A-Za-z0-9]{1,40}$/),
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.constantFrom(...CANARIES.map((c) => c.text)),
  );
  const text = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(""));

  it("a second run changes nothing", () => {
    fc.assert(
      fc.property(text, (t) => {
        const once = redactText(t);
        expect(redactText(once)).toBe(once);
      }),
      { numRuns: 3_000 },
    );
  });

  it("what may hold no secret is left as it is, alone or joined, as text or as bytes", () => {
    fc.assert(
      fc.property(text, text, text, (t, before, after) => {
        if (redactText(t) === t) return;
        for (const whole of [t, before + t + after]) {
          expect(mayHoldSecret(whole)).toBe(true);
          expect(mayHoldSecret(latin1(whole))).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("text without secrets is untouched", () => {
    const word = fc.constantFrom(
      ..."the model wrote a file and ran tests: 12 passed, é 漢 {} [] \"x\" 'y' /a/b.ts".split(" "),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        expect(redactText(words.join(" "))).toBe(words.join(" "));
      }),
    );
  });

  it("nested data keeps its shape and is not changed in place", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const before = JSON.stringify(value);
        const clean = redactValue(value);
        expect(JSON.stringify(value)).toBe(before);
        expect(redactValue(clean)).toEqual(clean);
      }),
    );
  });
});

describe("redactValue", () => {
  it("knows secrets by the names of their fields", () => {
    expect(
      redactValue({
        password: "hunter2",
        input_tokens: 5,
        max_tokens: "7",
        token_count: "3",
        nested: { apiKey: "q1", "Set-Cookie": ["a=bcdefgh"], note: "plain" },
        headers: [{ name: "Authorization", value: "Bearer abc" }],
        attributes: [{ key: "db.password", value: { stringValue: "x1" } }],
        args: ["deploy", "--token", "abc", "--force"],
        unset: { password: "$PASSWORD", token: "<token>", secret: "" },
      }),
    ).toEqual({
      password: "[redacted:password]",
      input_tokens: 5,
      max_tokens: "7",
      token_count: "3",
      nested: { apiKey: "[redacted:api_key]", "Set-Cookie": ["[redacted:cookie]"], note: "plain" },
      headers: [{ name: "Authorization", value: "Bearer [redacted:authorization]" }],
      attributes: [{ key: "db.password", value: { stringValue: "[redacted:password]" } }],
      args: ["deploy", "--token", "[redacted:token]", "--force"],
      unset: { password: "$PASSWORD", token: "<token>", secret: "" },
    });
  });

  it("finds secrets in any string, in keys, and cuts what is nested too deep", () => {
    const { text } = CANARIES[0]!;
    expect(redactValue({ a: [{ b: text }], [text]: 1 })).toEqual({
      a: [{ b: "[redacted:anthropic_key]" }],
      "[redacted:anthropic_key]": 1,
    });
    let deep: unknown = text;
    for (let i = 0; i < 5_000; i++) deep = [deep];
    expect(JSON.stringify(redactValue(deep))).toContain("[redacted:too_deep]");
  });

  it("leaves other values alone", () => {
    for (const value of [null, undefined, 1, true, 10n, new Date(0), new Uint8Array(2)]) {
      expect(redactValue(value)).toBe(value);
    }
  });
});

describe("hostile text", () => {
  const SEEDS = [
    ...[
      "sk-",
      "eyJ",
      "\\neyJ",
      "token=",
      "token: ",
      'token="',
      'token:\\"',
      "token:token:",
      "--token ",
      "-a-a",
      "--",
      "=",
    ],
    ...["\\", '"', "://a:", "@", "-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA ", "-----BEGIN PRIVATE KEY-----\\\\\\"],
    ...[
      "Authorization: Bearer ",
      "Cookie: a=",
      "curl -u a:",
      " -p mysql",
      "login a password",
      "Basic ",
      "SG.",
      "[0;0;0",
    ],
    ...["ENV TOKEN ", "PASSWORD=a;b;", "token , value", "%22", "password: a.b", "Private-Lines: 1 ", "token: a[a, a"],
  ];
  /** Processor time, milliseconds, of work done once. */
  const cost = (work: () => unknown): number => {
    const start = process.cpuUsage();
    work();
    const used = process.cpuUsage(start);
    return (used.user + used.system) / 1_000;
  };

  it("eight times the text costs about eight times the work", () => {
    const steep: string[] = [];
    for (const seed of SEEDS) {
      const small = latin1(`token ${seed.repeat(131_072 / seed.length)}`);
      const large = latin1(`token ${seed.repeat(1_048_576 / seed.length)}`);
      for (const work of [redactText, mayHoldSecret]) {
        const growth = (cost(() => work(large)) + 5) / (cost(() => work(small)) + 5); // quadratic would be 64
        if (growth > 30) steep.push(`${work.name} ${JSON.stringify(seed)}: ${growth.toFixed(1)}`);
      }
    }
    expect(steep).toEqual([]);
  });
});

const DATA = join(import.meta.dirname, "../../../shared/data");

describe.skipIf(!existsSync(DATA))("recorded sessions", () => {
  /** Redactions that are allowed: one development key of a Phoenix project stands in the transcripts. */
  it.each([
    ["transcripts", 3],
    ["codex", 2],
  ])("hold next to nothing that is taken for a secret: %s (needs ../shared/data)", (folder, most) => {
    const kinds: Record<string, number> = {};
    let lines = 0;
    let flagged = 0;
    for (const name of readdirSync(join(DATA, folder), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".jsonl")) continue;
      for (const line of readFileSync(join(DATA, folder, name), "utf8").split("\n")) {
        lines++;
        if (!mayHoldSecret(line)) continue;
        flagged++;
        for (const [, kind] of redactText(line).matchAll(/\[redacted:(\w+)\]/g)) kinds[kind!] = (kinds[kind!] ?? 0) + 1;
      }
    }
    process.stdout.write(
      `redactions in ${lines} lines of ${folder} (${flagged} looked at): ${JSON.stringify(kinds)}\n`,
    );
    expect(Object.values(kinds).reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(most);
    expect(flagged / lines).toBeLessThan(0.05);
  });
});
