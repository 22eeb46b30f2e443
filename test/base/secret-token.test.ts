import { expect, test } from "vitest";
import { redactTextCold } from "../../src/base/redact/cold.ts";
import { redactText } from "../../src/base/redact.ts";
import { secretToken } from "../../src/base/secret-token.ts";

test.each([24, 32])("what weir signs in with (%i bytes) is taken out wherever it is printed", (bytes) => {
  for (let k = 0; k < 500; k++) {
    const token = secretToken(bytes);
    for (const text of [
      token,
      `${token}\n`,
      `the file holds ${token}, and no more`,
      JSON.stringify({ stdout: JSON.stringify({ token }) }),
      `http://127.0.0.1:4777/#token=${token}`,
      `Bearer%20${token}`,
      `"command": ["sh", "-c", "TOKEN='${token}' run"]`,
    ]) {
      expect(redactText(text)).not.toContain(token);
      expect(redactTextCold(text)).not.toContain(token);
    }
  }
});
