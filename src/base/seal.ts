/** What stands in the place of an encrypted text: `enc:v1:<key id>:<base64>`; in a field of JSON with quotes around it, so that it stays JSON. */
const TOKEN = "enc:v1:([0-9a-f]{16}):([A-Za-z0-9+/]{60,}={0,2})";
const WHOLE = new RegExp(`^"?${TOKEN}"?$`);
const INSIDE = new RegExp(`(\\\\?")${TOKEN}\\\\?"`, "g");
/** Bytes that hold a token, as they stand in JSON: base64 of its beginning. */
const IN_BYTES = /"(ZW5jOnYxO[A-Za-z0-9+/]{80,}={0,2})"/g;
const BEGIN = "enc:v1:";

/** Flag, event, nonce before the ciphertext; the tag behind it. */
const ID_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const DEFLATED = 1;
const DEFLATE_CHARS_MIN = 65_536; // what is this long is made shorter first, so that what encryption adds fits a frame

const modules = () => ({
  crypto: process.getBuiltinModule("node:crypto"), // only where something is encrypted: a hook that needs none starts sooner
  zlib: process.getBuiltinModule("node:zlib"),
});

/** Sixteen bytes that stand for an event's id. */
function idBytes(id: string): Buffer {
  const plain = Buffer.from(id.replaceAll("-", ""), "hex");
  return plain.length === ID_BYTES
    ? plain
    : modules().crypto.createHash("sha256").update(id).digest().subarray(0, ID_BYTES);
}

/** Encrypts a text or bytes with AES-256-GCM; the event's id is associated data, so that nothing can be passed off as another event's. */
export function seal(key: Buffer, keyId: string, eventId: string, content: string | Uint8Array): string {
  const { crypto, zlib } = modules();
  const long = content.length >= DEFLATE_CHARS_MIN;
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  const plain = long ? zlib.deflateRawSync(bytes, { level: 1 }) : bytes;
  const head = Buffer.concat([Buffer.of(long ? DEFLATED : 0), idBytes(eventId)]);
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(head);
  const sealed = Buffer.concat([head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return `${BEGIN}${keyId}:${sealed.toString("base64")}`;
}

function unseal(key: Buffer, base64: string): Buffer | undefined {
  const { crypto, zlib } = modules();
  const sealed = Buffer.from(base64, "base64");
  const from = 1 + ID_BYTES + NONCE_BYTES;
  if (sealed.length < from + TAG_BYTES) return undefined;
  try {
    const decipher = crypto.createDecipheriv("aes-256-gcm", key, sealed.subarray(1 + ID_BYTES, from));
    decipher.setAAD(sealed.subarray(0, 1 + ID_BYTES));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = Buffer.concat([decipher.update(sealed.subarray(from, sealed.length - TAG_BYTES)), decipher.final()]);
    return sealed[0]! & DEFLATED ? zlib.inflateRawSync(plain) : plain;
  } catch {
    return undefined; // changed, or of another key
  }
}

/** Whether a value is encrypted. */
export function isSealed(value: string | Uint8Array): boolean {
  if (typeof value === "string") return (value.startsWith(BEGIN) || value.startsWith(`"${BEGIN}`)) && WHOLE.test(value);
  return (
    value.length > BEGIN.length &&
    value[0] === 101 &&
    isSealed(Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1"))
  );
}

/** Whether a text may hold something that is encrypted, told without a close look. */
export const mayHoldSealed = (text: string): boolean => text.includes(BEGIN) || text.includes("ZW5jOnYxO");

/** What is shown where the key is gone. */
export const FORGOTTEN_TEXT = "[forgotten]";

/**
 * The text with everything encrypted in it opened: a whole value, or the texts, JSON texts and bytes inside a JSON document, which stays one.
 * What no key opens becomes `[forgotten]`.
 */
export function openSealed(text: string, keyOf: (keyId: string) => Buffer | undefined): string {
  if (!mayHoldSealed(text)) return text;
  const bytesOf = (keyId: string, base64: string): Buffer | undefined => {
    const key = keyOf(keyId);
    return key && unseal(key, base64);
  };
  const textOf = (keyId: string, base64: string, quoted: boolean): string =>
    bytesOf(keyId, base64)?.toString("utf8") ?? (quoted ? JSON.stringify(FORGOTTEN_TEXT) : FORGOTTEN_TEXT);
  const whole = WHOLE.exec(text);
  if (whole) return textOf(whole[1]!, whole[2]!, text.startsWith('"'));
  return text
    .replace(INSIDE, (_all, open: string, keyId: string, base64: string) => {
      // the quotes of a JSON text inside a JSON text go with it
      const nested = open !== '"';
      const json = JSON.stringify(textOf(keyId, base64, nested));
      return nested ? json.slice(1, -1) : json;
    })
    .replace(IN_BYTES, (all, bytes: string) => {
      const inside = WHOLE.exec(Buffer.from(bytes, "base64").toString("latin1"));
      if (!inside) return all;
      return JSON.stringify((bytesOf(inside[1]!, inside[2]!) ?? Buffer.from(FORGOTTEN_TEXT)).toString("base64"));
    });
}

/** Bytes that are encrypted as a whole, opened; others as they are. */
export function openSealedBytes(bytes: Uint8Array, keyOf: (keyId: string) => Buffer | undefined): Uint8Array {
  if (!isSealed(bytes)) return bytes;
  const [, keyId, base64] = WHOLE.exec(Buffer.from(bytes).toString("latin1"))!;
  const key = keyOf(keyId!);
  return (key && unseal(key, base64!)) ?? Buffer.from(FORGOTTEN_TEXT);
}
