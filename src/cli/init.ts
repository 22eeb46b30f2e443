/** Placeholder for the build, replaced below. */
export async function init(_assistant: string, _options: Record<string, unknown>): Promise<void> {}
