/** The documented port of `serve`. */
export const DEFAULT_PORT = 8321

/** Maximum of `keepAliveTimeoutMs`, ms: one day. */
export const MAX_KEEP_ALIVE_MS: number = 24 * 60 * 60 * 1000
