import { openStream } from './http-client.mjs'

/** A request that has a workflow executed and streams its events; those who have no executions answer it all the same. */
export function createPost(workflow, headers = {}) {
  const body = typeof workflow === 'string' ? workflow : JSON.stringify(workflow)
  return {
    method: 'POST',
    path: '/executions',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
    body,
  }
}

/** One task that emits `count` messages; see the tool `emit` of the servers. */
export function createEmitting(given) {
  return { tasks: [{ id: 'a', tool: 'emit', arguments: given }] }
}

/** Starts an execution without followers. @returns the path of its events */
export async function startExecution({ url, contender }, workflow) {
  if (contender === 'raw') return '/'
  const started = openStream(url, createPost(workflow, { prefer: 'respond-async' }))
  const { status, headers } = await started.head
  if (status !== 202) throw new Error(`Expected 202, got ${status}`)
  await started.ended
  return `${headers.location}/events`
}

/** Runs an execution to its end, without followers. @returns their path */
export async function finishExecution({ url }, workflow) {
  const stream = openStream(url, createPost(workflow, { accept: 'application/json' }))
  const { status, headers } = await stream.head
  if (status !== 200) throw new Error(`Expected 200, got ${status}`)
  await stream.ended
  return `${headers.location}/events`
}

/** Of a finished execution, by the path of its events: the store holds only so many. */
export async function deleteExecution({ url }, path) {
  const stream = openStream(url, { method: 'DELETE', path: path.replace(/\/events$/, '') })
  const { status } = await stream.head
  if (status !== 204) throw new Error(`Expected 204, got ${status}`)
  await stream.ended
}

/** How many requests are under way at once while many connections are opened. */
const OPENING = 50

/** Opens `count` streams, each of which has its headers. */
export async function openStreams(url, count, request) {
  const streams = []
  while (streams.length < count) {
    const batch = Array.from({ length: Math.min(OPENING, count - streams.length) }, () => openStream(url, request))
    for (const { status } of await Promise.all(batch.map(({ head }) => head))) {
      if (status !== 200) throw new Error(`Expected 200, got ${status}`)
    }
    streams.push(...batch)
  }
  return streams
}
