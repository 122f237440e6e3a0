/** The callbacks of all executions that share a signal, and the one listener on it that calls them. */
interface Listening {
  readonly callbacks: Set<() => void>
  readonly notify: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/**
 * Calls back once when `signal` aborts; at once if it has. @returns a function that removes the callback; idempotent
 *
 * Thousands of executions may share one signal, and some runtimes report a listener for each as a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  const { callbacks, notify } = listening.get(signal) ?? listen(signal)
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    signal.removeEventListener('abort', notify)
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>()
  const notify = (): void => {
    for (const callback of callbacks) callback()
  }
  signal.addEventListener('abort', notify, { once: true })
  const entry = { callbacks, notify }
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
