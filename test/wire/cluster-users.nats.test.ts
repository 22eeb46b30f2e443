import { expect, test } from "vitest";
import { type Connection, connectBroker } from "../../src/wire/connect.ts";
import { INSTANCES_SUBJECT, inSubject } from "../../src/wire/subjects.ts";
import { startCluster } from "../support/cluster.ts";
import { quiet } from "../support/nats.ts";
import { until } from "../support/until.ts";
import { PATIENT } from "../support/weir.ts";

/** Why the broker does not let a connection hear a subject; undefined where it does. */
async function refusal({ nc }: Connection, subject: string): Promise<string | undefined> {
  let refused: Error | undefined;
  const heard = nc.subscribe(subject, {
    callback: (error) => {
      refused ??= error ?? undefined;
    },
  });
  await nc.flush();
  heard.unsubscribe();
  return refused?.message;
}

test("the users of the shipped cluster hear their own answers and nobody else's", async () => {
  await using cluster = await startCluster();
  const connect = (user: "weir" | "producer") =>
    until(
      "a node takes clients",
      () => connectBroker({ url: cluster.url(user), name: "test", log: quiet }).catch(() => undefined),
      PATIENT,
    );
  await using weir = await connect("weir");
  await using other = await connect("weir");
  await using producer = await connect("producer");

  for (const subject of ["_INBOX.>", "_INBOX.weir.>", "weir.>", inSubject(0), INSTANCES_SUBJECT, "$JS.API.>"])
    expect([subject, await refusal(producer, subject)]).toEqual([subject, expect.stringMatching(/permissions/i)]);
  expect(await refusal(producer, `${producer.inboxPrefix}.x`)).toBeUndefined();

  // instances of weir answer each other
  other.nc.subscribe(INSTANCES_SUBJECT, { callback: (_, message) => void message.respond("here") });
  const answer = await until(
    "the nodes know of each other",
    () => weir.nc.request(INSTANCES_SUBJECT, "who", { timeout: 500 }).catch(() => undefined),
    PATIENT,
  );
  expect(answer.string()).toBe("here");
});
