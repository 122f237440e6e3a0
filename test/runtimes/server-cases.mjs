// What every platform's server must do. Times are those of the client.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { post, readMessages } from './http.mjs'

const wait = (id, ms, dependsOn = []) => ({ id, tool: 'wait', arguments: { ms }, dependsOn })

const JSON_ONLY = { accept: 'application/json' }

/** Each is given `{ executions, stateless, disconnectMs, isBatchLeaveSeen }` and says, if it likes, a word on what it found. */
export const SERVER_CASES = {
  async 'an event arrives when it happens'({ executions }) {
    return expectIncremental(await post(executions, [wait('fast', 100), wait('slow', 1000)]))
  },

  async 'an event arrives when it happens, where no execution is held'({ stateless }) {
    return expectIncremental(await ask(stateless, 1000, 'text/event-stream'))
  },

  async 'a reader that leaves is seen, and the tool aborted'({ executions, disconnectMs }) {
    const controller = new AbortController()
    const response = await post(executions, [wait('fast', 100), wait('slow', 25_000)], {}, controller.signal)
    await leaveAfterFast(response, controller)
    return awaitAborted(() => listAborted(executions), response, disconnectMs)
  },

  async 'one who waits for a result has the headers at once'({ executions }) {
    const startedAt = performance.now()
    const response = await post(executions, [wait('slow', 3000)], JSON_ONLY)
    const afterMs = Math.round(performance.now() - startedAt)
    await response.body.cancel()
    assert.ok(afterMs < 2000, `they came after ${afterMs} ms`)
    assert.ok(response.headers.get('location')?.endsWith(response.headers.get('execution-id')))
  },

  async 'one who waits for a result and leaves is seen, and the tool aborted'({ executions, disconnectMs }) {
    const controller = new AbortController()
    const response = await post(executions, [wait('slow', 25_000)], JSON_ONLY, controller.signal)
    controller.abort()
    return awaitAborted(() => listAborted(executions), response, disconnectMs)
  },

  async 'a reader that leaves is seen, where no execution is held'({ stateless, disconnectMs }) {
    const controller = new AbortController()
    const response = await ask(stateless, 25_000, 'text/event-stream', controller.signal)
    await leaveAfterFast(response, controller)
    return awaitAborted(() => listAbortedStateless(stateless), response, disconnectMs)
  },

  async 'one who waits for a result and leaves is seen, where no execution is held'(server) {
    const { stateless, disconnectMs, isBatchLeaveSeen } = server
    const before = await listAbortedStateless(stateless)
    const controller = new AbortController()
    const asked = ask(stateless, 25_000, 'application/json', controller.signal).catch(() => {})
    await sleep(300)
    controller.abort()
    await asked
    if (!isBatchLeaveSeen) return 'not seen here, as documented'
    const isSeen = async () => (await listAbortedStateless(stateless)).length > before.length
    return awaitTrue(isSeen, disconnectMs)
  },

  async 'a cut stream is resumed: each event once, in order, then 204'({ executions }) {
    const tasks = Array.from({ length: 10 }, (_, at) => wait(`t${at}`, 50, at === 0 ? [] : [`t${at - 1}`]))
    const first = new AbortController()
    const response = await post(executions, tasks, {}, first.signal)
    const executionId = response.headers.get('execution-id')
    const ids = []
    await readSome(response, first, 5, ids)
    for (const count of [7, Number.POSITIVE_INFINITY]) {
      const controller = new AbortController()
      await readSome(await resume(executions, executionId, ids.at(-1), controller.signal), controller, count, ids)
    }
    // The start, ten times start and completion, the end.
    assert.deepEqual(
      ids,
      Array.from({ length: 22 }, (_, at) => `${executionId}.${at + 1}`),
    )
    assert.equal((await resume(executions, executionId, ids.at(-1))).status, 204)
  },

  async 'a result is one JSON answer'({ executions }) {
    const response = await post(executions, [wait('a', 10), wait('b', 20, ['a'])], JSON_ONLY)
    assert.equal(response.status, 200)
    const result = await response.json()
    assert.equal(result.executionId, response.headers.get('execution-id'))
    assert.equal(result.status, 'success')
    assert.deepEqual(
      result.results.map(({ taskId, output }) => [taskId, output]),
      [
        ['a', 10],
        ['b', 20],
      ],
    )
  },

  async 'a connection survives 11 s of silence'({ executions }) {
    const silent = [wait('silent', 11_000)]
    const [stream, batch] = await Promise.all([post(executions, silent), post(executions, silent, JSON_ONLY)])
    const [messages, result] = await Promise.all([collectMessages(stream), batch.json()])
    assert.equal(messages.at(-1).event, 'execution_complete')
    assert.equal(result.status, 'success')
    // One is the first, which is there at once.
    assert.ok(messages.filter(({ comment }) => comment).length >= 2, 'there was no heartbeat')
  },
}

async function expectIncremental(response) {
  const at = {}
  for await (const { event, data, at: arrivedAt } of readMessages(response)) {
    if (event === 'task_complete') at[data.taskId] = arrivedAt
  }
  const aheadMs = at.slow - at.fast
  assert.ok(aheadMs > 600, `the fast one came ${Math.round(aheadMs)} ms before the slow one, expected about 900`)
  return `${Math.round(aheadMs)} ms ahead`
}

/** From then on nothing is written any more but heartbeats. */
async function leaveAfterFast(response, controller) {
  for await (const { event, data } of readMessages(response, controller)) {
    if (event === 'task_complete' && data.taskId === 'fast') return
  }
}

async function awaitAborted(list, response, withinMs) {
  const executionId = response.headers.get('execution-id')
  assert.ok(executionId)
  return awaitTrue(async () => (await list()).includes(executionId), withinMs)
}

async function awaitTrue(isTrue, withinMs) {
  const startedAt = performance.now()
  while (!(await isTrue())) {
    assert.ok(performance.now() - startedAt < withinMs, `not seen within ${withinMs} ms`)
    await sleep(100)
  }
  return `after about ${Math.round((performance.now() - startedAt) / 100) * 100} ms`
}

async function listAborted(executions) {
  const response = await post(executions, [{ id: 'aborted', tool: 'aborted' }], JSON_ONLY)
  return (await response.json()).results[0].output
}

async function listAbortedStateless(stateless) {
  const response = await ask(stateless, 0, 'application/json')
  return (await response.json()).results[0].output
}

function ask(stateless, ms, accept, signal) {
  return fetch(`${stateless}/?ms=${ms}`, { headers: { accept }, signal })
}

function resume(executions, executionId, lastEventId, signal) {
  const headers = { accept: 'text/event-stream', 'last-event-id': lastEventId }
  return fetch(`${executions}/executions/${executionId}/events`, { headers, signal })
}

async function readSome(response, controller, count, ids) {
  assert.equal(response.status, 200)
  let left = count
  for await (const { id, comment } of readMessages(response, controller)) {
    if (comment) continue
    ids.push(id)
    left -= 1
    if (left === 0) return
  }
}

async function collectMessages(response) {
  const messages = []
  for await (const message of readMessages(response)) messages.push(message)
  return messages
}
