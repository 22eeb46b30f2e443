import { sizeOf, type Unnumbered } from "./frames.ts";

/** Those who wait for room in a producer's memory. */
export interface Room {
  /** How many wait, and their events' estimated bytes. */
  readonly waiting: number;
  readonly bytes: number;
  /** Waits in line; resolves when the events were put into the buffer. */
  wait(events: readonly Unnumbered[]): Promise<void>;
  /** Lets those in who find room, in the order they came. */
  admit(hasRoom: () => boolean, put: (event: Unnumbered) => void): void;
}

/** Makes a line of those who wait for room. */
export function createRoom(): Room {
  const line: { readonly events: readonly Unnumbered[]; readonly bytes: number; readonly resolve: () => void }[] = [];
  let bytes = 0;
  return {
    get waiting() {
      return line.length;
    },
    get bytes() {
      return bytes;
    },
    wait(events) {
      const size = events.reduce((sum, event) => sum + sizeOf(event), 0);
      bytes += size;
      return new Promise((resolve) => line.push({ events, bytes: size, resolve }));
    },
    admit(hasRoom, put) {
      while (line.length > 0 && hasRoom()) {
        const first = line.shift()!;
        bytes -= first.bytes;
        for (const event of first.events) put(event);
        first.resolve();
      }
    },
  };
}
