import { describe } from "vitest";
import type { Config } from "../../src/base/config.ts";
import { containerSkipped, hasContainers, startContainerBroker, startContainerServer } from "./container.ts";
import { type BrokerUnderTest, type OutsideServer, startOutsideServer, startTestBroker } from "./nats.ts";

/** Where a broker of a test runs. */
export interface Place {
  /** Starts weir's broker: its config, users and permissions. */
  startBroker(overrides?: Partial<Config>): Promise<BrokerUnderTest>;
  /** Starts a nats-server with a config of the test's own. */
  startServer(conf: (storeDir: string) => string): Promise<OutsideServer>;
}

/** Runs the tests against nats-server as a process of this machine, and in a container where a Docker engine answers. */
export function describeBrokers(about: string, tests: (place: Place) => void): void {
  describe(`${about}: a process`, () => tests({ startBroker: startTestBroker, startServer: startOutsideServer }));
  describe.skipIf(!hasContainers)(`${about}: a container${containerSkipped}`, () =>
    tests({ startBroker: startContainerBroker, startServer: startContainerServer }),
  );
}
