// Many pages of several hosts, two requests to each host at once, however many tasks run.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ParallelExecutor } from 'dagstream'
import { httpTools } from 'dagstream/tools/http'

/** A site that remembers how many requests it had at once. */
async function startSite(): Promise<{ port: number; peak: () => number; close: () => void }> {
  let running = 0
  let peak = 0
  const server = createServer((request, response) => {
    running += 1
    peak = Math.max(peak, running)
    setTimeout(() => {
      running -= 1
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ page: request.url }))
    }, 5)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, peak: () => peak, close: () => server.close() }
}

const sites = await Promise.all([startSite(), startSite(), startSite()])
const tasks = sites.flatMap(({ port }, site) =>
  Array.from({ length: 10 }, (_, page) => ({
    id: `site ${site}, page ${page}`,
    tool: 'http:get',
    arguments: { url: `http://127.0.0.1:${port}/${page}` },
  })),
)
// Keys of an API would go into `hostHeaders`; these sites are on this machine, which has to be said.
const tools = httpTools({ allowedHosts: ['127.0.0.1'], limitPerHost: 2 })
const { results } = await new ParallelExecutor(tools).execute({ tasks })
for (const { close } of sites) close()

assert.ok(results.every(({ status }) => status === 'success'))
const answer = results[10]?.output as { body: unknown } | undefined
assert.deepEqual(answer?.body, { page: '/0' })
assert.deepEqual(
  sites.map(({ peak }) => peak()),
  [2, 2, 2],
)
