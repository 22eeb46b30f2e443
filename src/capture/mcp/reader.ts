/** Reads a copy of what passed a proxy, told in the order in which it passed. `T` names the stream that bytes belong to. */
export interface Reader<T> {
  take(tag: T, chunk: Uint8Array, at: number): void;
  /** Bytes of this stream are missing from here on, with the ends of so many messages. */
  missed(tag: T, messages: number): void;
  /** Nothing more will come. */
  end(at: number): void | Promise<void>;
}
