import type { Dispatcher } from 'undici'
import { abortable, dispatchAbortably } from '../http/abortable-connector.ts'
import type { FetchFunction } from './exchange.ts'

/**
 * undici's `fetch`, without its own time-outs: 300 s without a byte would end a stream that comments elsewhere keep alive,
 * and would not be said as ours are. To connect may take 10 s, and ends with the request.
 */
export const fetchByUndici: FetchFunction = async (url, init) => {
  connection ??= connect()
  return (await connection)(url, init)
}

let connection: Promise<FetchFunction> | undefined

/** Loaded on first use: who brings a `fetch` needs no undici. */
async function connect(): Promise<FetchFunction> {
  const { Agent, buildConnector, fetch } = await import('undici')
  const agent = new Agent({
    bodyTimeout: 0,
    headersTimeout: 0,
    connect: abortable(buildConnector({ timeout: 10_000 })),
  })
  return (url, init) => {
    const dispatch: Dispatcher['dispatch'] = (options, handler) =>
      // The body as it was given: `fetch` makes an iterable of it, for which undici would connect a turn later.
      dispatchAbortably(init.signal, () => agent.dispatch({ ...options, body: init.body }, handler))
    // Of a dispatcher `fetch` uses nothing else.
    const dispatcher = { dispatch } as Dispatcher
    return fetch(url, { ...init, dispatcher }) as ReturnType<FetchFunction>
  }
}
