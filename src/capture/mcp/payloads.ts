/** What is kept of parameters, answers and error messages: nothing, all but secrets, or everything. */
export const PAYLOADS = ["off", "redacted", "full"] as const;
export type Payloads = (typeof PAYLOADS)[number];
