// Many pages of several hosts: all are asked at once, and each gets two requests at a time, however many tasks run.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ParallelExecutor } from 'dagstream'
import { httpTools } from 'dagstream/tools/http'

const MAX_PER_HOST = 2
/** How many requests all sites have at once, and the most there were. */
const all = { now: 0, peak: 0 }

/** A site that remembers how many requests it had at once. */
async function startSite(): Promise<{ port: number; peak: () => number; close: () => void }> {
  const own = { now: 0, peak: 0 }
  const server = createServer((request, response) => {
    for (const counted of [own, all]) counted.peak = Math.max(counted.peak, ++counted.now)
    setTimeout(() => {
      for (const counted of [own, all]) counted.now -= 1
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ page: request.url }))
    }, 5)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, peak: () => own.peak, close: () => server.close() }
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
const tools = httpTools({ allowedHosts: ['127.0.0.1'], limitPerHost: MAX_PER_HOST })
const { results } = await new ParallelExecutor(tools).execute({ tasks })
for (const { close } of sites) close()

assert.ok(results.every(({ status }) => status === 'success'))
const answer = results[10]?.output as { body: unknown } | undefined
assert.deepEqual(answer?.body, { page: '/0' })
assert.deepEqual(
  sites.map(({ peak }) => peak()),
  sites.map(() => MAX_PER_HOST),
)
assert.ok(all.peak > MAX_PER_HOST, 'the hosts do not wait for each other')
