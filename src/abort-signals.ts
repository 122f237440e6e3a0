/** What executions want to be told by one signal, and the one listener on it that tells them. */
interface Listening {
  readonly callbacks: Set<() => void>
  readonly tell: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/**
 * Calls back once when `signal` aborts; at once if it has. @returns what stops it; harmless to repeat
 *
 * Thousands of executions may share one signal, and a listener for each would be taken for a leak by some runtimes.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  const { callbacks, tell } = listening.get(signal) ?? listen(signal)
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    signal.removeEventListener('abort', tell)
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>()
  const tell = (): void => {
    for (const callback of callbacks) callback()
  }
  signal.addEventListener('abort', tell, { once: true })
  const entry = { callbacks, tell }
  listening.set(signal, entry)
  return entry
}

/** The reason of an abort as people read it; an error of a runtime's own says nothing that the code does not. */
export function describeAbort(reason: unknown): string {
  try {
    if (typeof reason === 'string' && reason !== '') return reason
    const { name, message } = reason as Partial<Error>
    return name !== 'AbortError' && typeof message === 'string' && message !== '' ? message : 'Cancelled'
  } catch {
    // There is no reason, or reading it throws.
    return 'Cancelled'
  }
}
