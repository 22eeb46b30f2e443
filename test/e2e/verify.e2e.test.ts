import { expect, test } from "vitest";
import { startWeir } from "../support/weir.ts";

test("weir verify finds nothing missing while events stream in", async () => {
  await using weir = await startWeir();
  let over = false;
  const send = async (): Promise<void> => {
    while (!over) {
      const event = {
        specversion: "1.0",
        id: crypto.randomUUID(),
        source: "test://x",
        type: "tool.called",
        session: "s1",
        data: { tool: "Bash", success: true },
      };
      const body = JSON.stringify(event);
      await weir.http("/api/events", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    }
  };
  const sending = [send(), send(), send(), send()];
  try {
    for (let k = 0; k < 25; k++) {
      const lines = (await (await weir.http("/api/verify", { method: "POST" })).text()).trim().split("\n");
      const { result } = JSON.parse(lines.at(-1)!) as { result: { ok: boolean; laws: { holds: boolean }[] } };
      expect(result).toMatchObject({ ok: true, laws: result.laws.map(() => expect.objectContaining({ holds: true })) });
    }
  } finally {
    over = true;
    await Promise.all(sending);
  }
});
