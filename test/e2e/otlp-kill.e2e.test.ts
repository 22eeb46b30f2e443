import { expect, test } from "vitest";
import { sumRequest } from "../support/otlp.ts";
import { tempDir } from "../support/temp.ts";
import { startWeir, type Weir } from "../support/weir.ts";

test("a cumulative total that was answered is not counted again after a kill", async () => {
  await using dir = await tempDir();
  const us = 1_789_000_000_000_000;
  const send = async (weir: Weir, at: number, value: number): Promise<void> => {
    const request = sumRequest("orders", [{ us: us + at, start: us, value }], 2);
    const response = await fetch(`${weir.runtime.http_url}/v1/metrics`, {
      method: "POST",
      body: JSON.stringify(request),
      headers: { Authorization: `Bearer ${weir.runtime.token}`, "Content-Type": "application/json" },
    });
    expect(response.status).toBe(200);
  };
  {
    await using weir = await startWeir({ dataDir: dir.path });
    await send(weir, 1, 10);
    await weir.stop("SIGKILL");
  }
  await using weir = await startWeir({ dataDir: dir.path });
  await send(weir, 2, 15);
  await weir.settled();
  expect(await weir.sql("select sum(value) as n from measurements where name = 'orders'")).toEqual([{ n: 15 }]);
});
