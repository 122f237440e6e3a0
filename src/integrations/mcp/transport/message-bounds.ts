/** Maximum size of a message of a server, bytes: fits an output of 10 MiB that is sent both as text and structured. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 * 1024
