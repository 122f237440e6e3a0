import { expectEnd, openStream, recordFrames } from './http-client.mjs'
import {
  createEmitting,
  createPost,
  deleteExecution,
  finishExecution,
  openStreams,
  startExecution,
} from './http-executions.mjs'
import { alternate, withServers } from './http-process.mjs'
import { computeMedian } from './statistics.mjs'

/** The usual length of a message of a tool. */
const TEXT = 'Read page 12 of 40 of the quarterly report'

const REPLAYS = 3
const ROUNDS = 9

/**
 * One subscriber, from the first event of a finished execution to its last: events per second. Whoever comes first, and whoever
 * comes again: for them a server may still know what it sent.
 */
export function measureReplay({ count }) {
  return withServers([['dagstream'], ['raw']], async (dagstream, raw) => {
    const finish = () => finishExecution(dagstream, createEmitting({ count, perTurn: 100, text: TEXT }))
    const path = await finish()
    const recorded = await recordFrames(dagstream.url, { path })
    if (recorded.frames.length < count) throw new Error(`Expected ${count} events, got ${recorded.frames.length}`)
    await raw.ask('replay', recorded)
    const read = async ({ url }, paths) => {
      const startedAt = performance.now()
      for (const from of paths) await expectEnd(openStream(url, { path: from }))
      return toRate(paths.length * recorded.frames.length, startedAt)
    }
    const again = from => Array.from({ length: REPLAYS }, () => from)
    const samples = await alternate(
      {
        async 'first time'() {
          const paths = []
          while (paths.length < REPLAYS) paths.push(await finish())
          const rate = await read(dagstream, paths)
          for (const each of paths) await deleteExecution(dagstream, each)
          return rate
        },
        again: () => read(dagstream, again(path)),
        raw: () => read(raw, again('/')),
        'raw, joined beforehand': () => read(raw, again('/joined')),
      },
      ROUNDS,
      3,
    )
    const rates = toMedians(samples)
    return {
      ...rates,
      'first time beside raw': rates.raw / rates['first time'],
      'again beside raw': rates.raw / rates.again,
      perWrite: recorded.perWrite,
    }
  })
}

/**
 * One subscriber of a tool that emits as fast as it can, `perTurn` messages in one turn of the event loop: events per
 * second.
 */
export function measureLive({ count, perTurn }) {
  const given = { count, perTurn, text: TEXT }
  return withServers([['dagstream'], ['raw'], ['hono']], async (dagstream, raw, hono) => {
    await Promise.all([raw.ask('live', given), hono.ask('live', given)])
    const request = createPost(createEmitting(given))
    const read = server => async () => {
      const startedAt = performance.now()
      await expectEnd(openStream(server.url, request))
      return toRate(count, startedAt)
    }
    return toFigures(await alternate({ dagstream: read(dagstream), raw: read(raw), hono: read(hono) }, ROUNDS, 3))
  })
}

/** Many subscribers of one execution: events delivered per second that the server computes. */
export function measureBroadcast({ subscriberCount, count, perTurn, paceMs }) {
  const given = { count, perTurn, paceMs, text: TEXT }
  return withServers([['dagstream'], ['raw']], async (dagstream, raw) => {
    const { frames } = await recordFrames(dagstream.url, createPost(createEmitting({ ...given, paceMs: 0 })))
    await raw.ask('broadcast', { frames, perWrite: perTurn, paceMs })
    const deliver = server => async () => {
      const path = await startExecution(server, createEmitting({ ...given, isHeld: true }))
      const streams = await openStreams(server.url, subscriberCount, { path })
      const before = await server.ask('cpu')
      await Promise.all([server.ask('go'), ...streams.map(expectEnd)])
      const cpuMs = (await server.ask('cpu')) - before
      return (subscriberCount * frames.length * 1000) / cpuMs
    }
    return toFigures(await alternate({ dagstream: deliver(dagstream), raw: deliver(raw) }, 3))
  })
}

function toRate(eventCount, startedAt) {
  return (eventCount * 1000) / (performance.now() - startedAt)
}

function toMedians(samples) {
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, computeMedian(values)]))
}

/** Medians of each contender, and how much longer dagstream takes per event than each other. */
function toFigures(samples) {
  const rates = toMedians(samples)
  const { dagstream, ...peers } = rates
  return {
    ...rates,
    ...Object.fromEntries(Object.entries(peers).map(([name, rate]) => [`dagstream beside ${name}`, rate / dagstream])),
  }
}
