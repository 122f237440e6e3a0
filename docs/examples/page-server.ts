// A page beside the routes, of the same origin: run it, and open the address that it prints. `PORT` names another port.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'

const tools = {
  prepare: ({ what, ms }: { what: string; ms: number }, { signal }: { signal: AbortSignal }) =>
    sleep(ms, what, { signal }),
}
const handler = createHandler({ tools })
const page = await readFile(new URL('page.html', import.meta.url))

const fetch = async (request: Request): Promise<Response> =>
  new URL(request.url).pathname === '/'
    ? new Response(page, { headers: { 'Content-Type': 'text/html' } })
    : handler.fetch(request)
export const server = await serve({ fetch, close: handler.close }, { port: Number(process.env['PORT'] ?? 8321) })
console.log(`Open ${server.url}`)
