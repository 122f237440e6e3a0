import { setTimeout as pause } from 'node:timers/promises'
import { expectEnd, openStream } from './http-client.mjs'
import { createEmitting, createPost, openStreams, startExecution } from './http-executions.mjs'
import { createLineCounter, findLastId } from './http-framing.mjs'
import { alternate, withServers } from './http-process.mjs'
import { computeMedian } from './statistics.mjs'

/** Resident memory of one subscriber that waits for events that do not come, bytes. */
export function measureIdle({ subscriberCount }) {
  return withServers([['dagstream'], ['raw']], async (dagstream, raw) => {
    await raw.ask('hold')
    const figures = {}
    for (const server of [dagstream, raw]) {
      const path = await startExecution(server, createEmitting({ count: 0, isHeld: true }))
      // Code that is compiled on first use counts for neither side.
      for (const { socket } of await openStreams(server.url, 50, { path })) socket.destroy()
      const before = await server.ask('memory')
      const streams = await openStreams(server.url, subscriberCount, { path })
      const after = await server.ask('memory')
      figures[server.contender] = (after.rss - before.rss) / subscriberCount
      figures[`${server.contender}, heap`] = (after.heapUsed - before.heapUsed) / subscriberCount
      for (const { socket } of streams) socket.destroy()
    }
    return { ...figures, beyond: figures.dagstream - figures.raw }
  })
}

/** Longer than everything takes that happens while they are stalled. */
const STALL_TIMEOUT_MS = 3000
/** The initial data, until no kernel buffers more of it: each buffers about 4 MiB. */
const FILL_BYTES = 12 * 1024 * 1024
/** The store keeps all of it: the reader, however far a busy machine lets it fall behind, and those who come back miss nothing. */
const TAIL = { maxTailEvents: 1_000_000, maxTailBytes: 1024 * 1024 * 1024 }
/** How many of those that stalled come back. */
const RESUMED = 5

/**
 * A large execution with one subscriber that reads all of it, alone and among many that read nothing. Two tasks, one after
 * the other: while the first tells something all kernels take in what they can, while the second does nothing gets through to
 * those that do not read. For both: how long the reader waits, and how much memory the server takes at the most beyond before.
 */
export async function measureStalled({ count, bytes, stalledCount }) {
  const outcomes = { alone: [], crowded: [] }
  const follow = (name, crowd) => async () => {
    const outcome = await followLarge(count, bytes, crowd)
    outcomes[name].push(outcome)
    return outcome.ms
  }
  await alternate({ alone: follow('alone', 0), crowded: follow('crowded', stalledCount) }, 3, 0)
  const of = (name, figure) => computeMedian(outcomes[name].map(outcome => outcome[figure]))
  const beside = figure => of('crowded', figure) - of('alone', figure)
  return {
    ...Object.fromEntries(
      Object.keys(outcomes).flatMap(name =>
        Object.keys(outcomes[name][0]).map(figure => [`${name}, ${figure}`, of(name, figure)]),
      ),
    ),
    ratio: of('crowded', 'ms') / of('alone', 'ms'),
    'fill ratio': of('crowded', 'fillMs') / of('alone', 'fillMs'),
    beyond: beside('peakBytes'),
    'fill beyond': beside('fillPeakBytes'),
  }
}

function followLarge(count, bytes, stalledCount) {
  const text = 'x'.repeat(Math.round(bytes / count) - 220)
  const fillCount = Math.round((FILL_BYTES * count) / bytes)
  const given = { perTurn: 100, text, isHeld: true }
  const workflow = {
    tasks: [
      { id: 'fill', tool: 'emit', arguments: { ...given, count: fillCount } },
      { id: 'tell', tool: 'emit', arguments: { ...given, count }, dependsOn: ['fill'] },
    ],
  }
  return withServers([['dagstream', { stallTimeoutMs: STALL_TIMEOUT_MS, tail: TAIL }]], async server => {
    await expectEnd(openStream(server.url, createPost(createEmitting({ ...given, count: 5000, isHeld: false }))))
    const path = await startExecution(server, workflow)
    const lines = createLineCounter()
    const [reader] = await openStreams(server.url, 1, { path, onBytes: (...given) => lines.count(...given) })
    const stalled = await openStreams(server.url, stalledCount, { path })
    for (const { socket } of stalled) socket.pause()

    const before = await server.ask('watchPeak')
    const fillStartedAt = performance.now()
    await server.ask('go')
    // The start of the execution, and the starts of both tasks with the end of the first.
    await lines.reach(4 * (fillCount + 4))
    const fillMs = performance.now() - fillStartedAt
    const fillPeakBytes = (await server.ask('peak')) - before

    await server.ask('watchPeak')
    const startedAt = performance.now()
    await server.ask('go')
    await expectEnd(reader)
    const ms = performance.now() - startedAt
    const peakBytes = (await server.ask('peak')) - before
    // Four lines an event, and two of the comment at first.
    const eventCount = Math.floor(lines.total() / 4)
    const expected = count + fillCount + 6
    if (eventCount !== expected) throw new Error(`Expected ${expected} events, got ${eventCount}`)

    await waitForNobody(server.url)
    const leftMs = performance.now() - startedAt - ms
    const resumed = stalled.slice(0, RESUMED)
    for (const stream of resumed) await expectResumed(server.url, path, stream)
    for (const { socket } of stalled) socket.destroy()
    const swallowedBytes = stalledCount === 0 ? 0 : computeMedian(resumed.map(({ byteCount }) => byteCount))
    return { ms, fillMs, peakBytes, fillPeakBytes, leftMs, swallowedBytes }
  })
}

/** A disconnected subscriber reads the buffered data, reconnects, and continues after its last event. */
async function expectResumed(url, path, stream) {
  stream.socket.resume()
  // However it was cut off.
  await stream.ended.catch(() => {})
  const lastEventId = findLastId(stream.tail)
  let text = ''
  const onBytes = (bytes, from, to) => {
    if (text.length < 1000) text += bytes.latin1Slice(from, to)
  }
  const resumed = openStream(url, { path, headers: { 'last-event-id': lastEventId }, onBytes })
  await expectEnd(resumed)
  const [executionId, seq] = lastEventId.split('.')
  if (text.includes(`id: ${executionId}.${Number(seq) + 1}\nevent: info\n`)) return
  throw new Error(`Expected to go on after ${lastEventId}, got ${text.slice(0, 200)}`)
}

/** Until the server has no subscribers any more. */
async function waitForNobody(url) {
  for (let n = 0; n < 200; n++) {
    const response = await fetch(`${url}/metrics`)
    if (/^dagstream_subscribers\S* 0$/m.test(await response.text())) return
    await pause(50)
  }
  throw new Error('Expected those who read nothing to be disconnected')
}
