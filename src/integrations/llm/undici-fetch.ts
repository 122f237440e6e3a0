import type { Dispatcher } from 'undici'
import { abortable, dispatchAbortably } from '../http/connect/abortable-connector.ts'
import { withResets } from '../http/connect/reset-connector.ts'
import type { Environment } from '../proxy.ts'

/** The part of `fetch` that is used. */
export type UndiciFetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: string
    readonly redirect: 'manual'
    readonly signal: AbortSignal
  },
) => Promise<Response>

/**
 * undici's `fetch` without its own timeouts: 300 s without a byte would end a live stream, and with another error than ours.
 * The connect timeout is 10 s, and an abort of the request ends the attempt.
 *
 * Connects through the proxy of this process's environment: only for addresses that the operator configured.
 */
export const fetchByUndici: UndiciFetch = createUndiciFetch(() => process.env)

/** The same with a separate environment and connection pool: create one per process and environment. */
export function createUndiciFetch(env: () => Environment): UndiciFetch {
  let connection: Promise<UndiciFetch> | undefined
  return async (url, init) => {
    connection ??= connect(env)
    return (await connection)(url, init)
  }
}

/** Loaded on first use: a caller with a custom `fetch` needs no undici, and most commands make no request. */
async function connect(env: () => Environment): Promise<UndiciFetch> {
  const [{ Agent, buildConnector, fetch }, { proxied }] = await Promise.all([
    import('undici'),
    import('../http/connect/proxied-connector.ts'),
  ])
  const direct = buildConnector({ timeout: 10_000 })
  const agent = new Agent({
    bodyTimeout: 0,
    headersTimeout: 0,
    connect: abortable(withResets(proxied(direct, direct, env))),
  })
  return (url, init) => {
    const dispatch: Dispatcher['dispatch'] = (options, handler) =>
      // The original body: `fetch` converts it to an iterable, for which undici would connect a turn later.
      dispatchAbortably(init.signal, () => agent.dispatch({ ...options, body: init.body ?? null }, handler))
    // `fetch` uses only this method of a dispatcher.
    const dispatcher = { dispatch } as Dispatcher
    return fetch(url, { ...init, dispatcher }) as unknown as Promise<Response>
  }
}
