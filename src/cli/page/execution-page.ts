import { createHandler } from '../../http/create-handler.ts'
import type { HandlerOptions } from '../../http/options/handler-options.ts'
import { problem } from '../../http/answers/problem.ts'
import { serve } from '../../http/node/serve.ts'
import { PageFiles } from './page-files.ts'

/** Time for running executions to end at shutdown, ms: the command has waited for the end. */
const DRAIN_MS = 1000

/** A server for one execution: the command that made it may do everything, others may look, answer and cancel. */
export interface ExecutionPage {
  readonly url: string
  /** Of the command. */
  readonly token: string
  readonly close: () => Promise<void>
}

/** Serves on a free port of loopback. */
export async function openExecutionPage(options: HandlerOptions): Promise<ExecutionPage> {
  const handler = createHandler({ ...options, drainMs: DRAIN_MS })
  const files = new PageFiles()
  const token = crypto.randomUUID()
  const fetch = async (request: Request): Promise<Response> => {
    const isOwn = request.headers.get('authorization') === `Bearer ${token}`
    if (!isOwn && !isForGuests(request)) return REFUSAL()
    return (await files.answer(request)) ?? handler.fetch(request)
  }
  const { url, close } = await serve({ fetch, close: () => handler.close() }, { port: 0 })
  return { url, token, close }
}

/** Guests start nothing: another process of this machine must not run tools by it. */
function isForGuests({ method, url }: Request): boolean {
  const { pathname } = new URL(url)
  if (method === 'GET' || method === 'HEAD') return true
  return method === 'POST' && /^\/executions\/[^/]+\/(?:cancel|inputs\/[^/]+)$/.test(pathname)
}

const REFUSAL = (): Response =>
  problem(403, { title: 'Forbidden', detail: 'This page shows one execution, and starts none' })
