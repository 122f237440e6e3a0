import { expectEnd, openStream, recordFrames } from './http-client.mjs'
import { createPost } from './http-executions.mjs'
import { alternate, withServers } from './http-process.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'
import { computeMedian, computeQuantile } from './statistics.mjs'

/** From a POST on a new connection to the first event, and to the first byte of a server that has it ready, ms. */
export function measureFirstEvent({ count }) {
  return withServers([['dagstream'], ['raw']], async (dagstream, raw) => {
    const request = createPost({ tasks: [{ id: 'a', tool: 'noop' }] })
    await raw.ask('replay', { ...(await recordFrames(dagstream.url, request)), perWrite: Number.POSITIVE_INFINITY })
    const time = server => async () => {
      let text = ''
      let firstAt
      const onBytes = (bytes, from, to) => {
        if (firstAt !== undefined) return
        text += bytes.latin1Slice(from, to)
        if (text.includes('event: ')) firstAt = performance.now()
      }
      const startedAt = performance.now()
      await expectEnd(openStream(server.url, { ...request, onBytes }))
      return firstAt - startedAt
    }
    const samples = await alternate({ dagstream: time(dagstream), raw: time(raw) }, count, 50)
    const [own, peer] = [computeMedian(samples.dagstream), computeMedian(samples.raw)]
    return { dagstream: own, raw: peer, beyond: own - peer, 'dagstream, p95': computeQuantile(samples.dagstream, 0.95) }
  })
}

/** Time from an emission of a tool to its reader, at a moderate rate, ms. */
export function measureDelivery({ count, paceMs }) {
  return withServers([['dagstream']], async dagstream => {
    const samples = []
    let text = ''
    const onBytes = (bytes, from, to) => {
      const now = Number(process.hrtime.bigint()) / 1e6
      text += bytes.latin1Slice(from, to)
      const frames = text.split('\n\n')
      text = frames.pop()
      for (const frame of frames) {
        const told = /"message":"([\d.]+)"/.exec(frame)
        if (told !== null) samples.push(now - Number(told[1]))
      }
    }
    const workflow = { tasks: [{ id: 'a', tool: 'stamp', arguments: { count, paceMs } }] }
    await expectEnd(openStream(dagstream.url, { ...createPost(workflow), onBytes }))
    if (samples.length !== count) throw new Error(`Expected ${count} events, got ${samples.length}`)
    const warm = samples.slice(count / 10)
    return { p50: computeMedian(warm), p95: computeQuantile(warm, 0.95), p99: computeQuantile(warm, 0.99) }
  })
}

/** Tasks that do nothing, from the text of a document to the last event: over HTTP, and in one process, ms. */
export function measureNoops({ taskCount, seed }) {
  return withServers([['dagstream'], ['in process']], async (dagstream, inProcess) => {
    const body = JSON.stringify(toNoopWorkflow(createShape('layered', taskCount, seed)))
    const samples = await alternate(
      {
        async http() {
          const startedAt = performance.now()
          await expectEnd(openStream(dagstream.url, createPost(body)))
          return performance.now() - startedAt
        },
        async inProcess() {
          const { ms, count } = await inProcess.ask('run', body)
          if (count !== 2 * taskCount + 2) throw new Error(`Expected the events of all tasks, got ${count}`)
          return ms
        },
      },
      9,
      3,
    )
    const [http, own] = [computeMedian(samples.http), computeMedian(samples.inProcess)]
    return { http, 'in process': own, ratio: http / own }
  })
}
