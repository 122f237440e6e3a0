/** The longest message of a server, bytes: an output of 10 MiB fits, sent as text and structured. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 * 1024
