/** Text of an error for the log: its stack and up to `depth` causes. Accepts any thrown value; never throws. */
export function describeError(error: unknown, depth = 3): string {
  try {
    if (!(error instanceof Error)) return String(error)
    const { cause, stack, message } = error
    const text = stack ?? message
    return cause === undefined || depth === 0 ? text : `${text}\nCaused by: ${describeError(cause, depth - 1)}`
  } catch {
    return 'The thrown value cannot be shown'
  }
}
