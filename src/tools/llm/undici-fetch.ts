import type { FetchFunction } from './exchange.ts'

/**
 * undici's `fetch`, without its own time-outs: 300 s without a byte would end a stream that comments elsewhere keep alive,
 * and would not be said as ours are. To connect may take 10 s.
 */
export const fetchByUndici: FetchFunction = async (url, init) => {
  connection ??= connect()
  return (await connection)(url, init)
}

let connection: Promise<FetchFunction> | undefined

/** Loaded on first use: who brings a `fetch` needs no undici. */
async function connect(): Promise<FetchFunction> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ bodyTimeout: 0, headersTimeout: 0, connect: { timeout: 10_000 } })
  return (url, init) => fetch(url, { ...init, dispatcher }) as ReturnType<FetchFunction>
}
