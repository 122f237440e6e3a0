import type { Dispatcher } from 'undici'
import { abortable, dispatchAbortably } from '../http/connect/abortable-connector.ts'
import { withResets } from '../http/connect/reset-connector.ts'
import type { Environment } from '../proxy.ts'

/** What of `fetch` is used. */
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
 * undici's `fetch`, without its own time-outs: 300 s without a byte would end a stream that comments elsewhere keep alive,
 * and would not be said as ours are. To connect may take 10 s, and ends with the request.
 *
 * Connects through the proxy that the environment of this process names: only for addresses that the operator configured.
 */
export const fetchByUndici: UndiciFetch = createUndiciFetch(() => process.env)

/** The same with an environment of its own. Its connections are its own too: make one per process and environment. */
export function createUndiciFetch(env: () => Environment): UndiciFetch {
  let connection: Promise<UndiciFetch> | undefined
  return async (url, init) => {
    connection ??= connect(env)
    return (await connection)(url, init)
  }
}

/** Loaded on first use: a caller with a `fetch` of its own needs no undici, and most commands make no request. */
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
      // The body as it was given: `fetch` makes an iterable of it, for which undici would connect a turn later.
      dispatchAbortably(init.signal, () => agent.dispatch({ ...options, body: init.body ?? null }, handler))
    // Of a dispatcher `fetch` uses nothing else.
    const dispatcher = { dispatch } as Dispatcher
    return fetch(url, { ...init, dispatcher }) as unknown as Promise<Response>
  }
}
