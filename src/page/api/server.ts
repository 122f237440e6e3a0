import { Transport } from '../../client/transport.ts'
import { systemClock } from '../../clock.ts'
import { isUnauthorized } from './failure.ts'
import { authorization, isTokenAsked } from './token.ts'

/** Silence after which a connection counts as lost, ms: a server sends a heartbeat every 8 s. */
const IDLE_TIMEOUT_MS = 20_000
/** Maximum size of an answer, bytes. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/** The server that this page comes from. */
const BASE_URL = new URL('/', location.href).href

const send = (request: Request): Promise<Response> => fetch(request)

/** Sends the requests of the client. */
export const transport: Transport = new Transport({
  baseUrl: BASE_URL,
  fetch: send,
  headers: authorization,
  clock: systemClock,
  idleTimeoutMs: IDLE_TIMEOUT_MS,
})

/** A request to the server. */
export interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** JSON. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Sends one request. @returns the text of the answer. @throws as `Transport.send` */
export async function request(path: string, { method = 'GET', body, headers, signal }: Asked = {}): Promise<string> {
  try {
    const reply = await transport.send({
      method,
      path,
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    })
    return await reply.text(MAX_ANSWER_BYTES)
  } catch (error) {
    if (isUnauthorized(error)) isTokenAsked.value = true
    throw error
  }
}

/** The same for an answer in JSON, read with doubles: only texts that are shown as they are keep the digits of numbers. */
export async function requestJson<T>(path: string, asked?: Asked): Promise<T> {
  return JSON.parse(await request(path, asked)) as T
}
