import { randomBytes } from "node:crypto";

/** Something new to sign in with, of so many random bytes. Its beginning tells that it is a secret, so that redaction finds it wherever it is printed. */
export const secretToken = (bytes: number): string => `weir_${randomBytes(bytes).toString("base64url")}`;
