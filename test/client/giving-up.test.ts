import { expect, test } from 'vitest'
import { describeCause } from '../../src/client/describe-cause.ts'
import { HttpError, type Reconnect, StreamReconnectionManager } from '../../src/client/index.ts'
import { clientRig, ONE_TASK } from './client-rig.ts'
import { problem } from './fake-server.ts'

const nobodyListens = (): Promise<Response> => {
  const inner = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:8499'), { code: 'ECONNREFUSED' })
  return Promise.reject(new TypeError('fetch failed', { cause: inner }))
}

test('a client that gives up names the server by its origin alone, and the innermost cause', async () => {
  const seen: Reconnect[] = []
  const { client, clock } = clientRig([nobodyListens, nobodyListens], {
    url: 'http://127.0.0.1:8499/tenant-of-mine/',
    reconnection: { maxRetries: 1, jitter: 0, onReconnect: reconnect => void seen.push(reconnect) },
  })
  const executing = client.execute(ONE_TASK)
  executing.catch(() => {})
  await clock.run(1000)
  const error: unknown = await executing.catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    name: 'ConnectionLostError',
    code: 'CONNECTION_LOST',
    message:
      'The connection failed 2 times, and no more retries are left, at http://127.0.0.1:8499: connect ECONNREFUSED 127.0.0.1:8499',
  })
  // Callbacks get what was thrown, as it was.
  expect(seen).toMatchObject([{ error: { message: 'fetch failed' } }])
  expect((error as Error).cause).toBeInstanceOf(TypeError)
})

test('without retries it gives up at once', async () => {
  const { client, clock } = clientRig([nobodyListens], { reconnection: { maxRetries: 0 } })
  await expect(client.execute(ONE_TASK)).rejects.toMatchObject({
    attempts: 1,
    message: expect.stringContaining('failed once, and no more retries are left, at http://'),
  })
  expect(clock.timerCount).toBe(0)
})

test('an answer that is an error has a name of its own', async () => {
  const { client } = clientRig([problem(400, { title: 'Bad Request' })])
  const error: unknown = await client.execute(ONE_TASK).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ name: 'HttpError', code: 'HTTP_ERROR', status: 400 })
})

test('a manager that was told no target gives up by the cause alone', async () => {
  const manager = new StreamReconnectionManager({ maxRetries: 0 })
  const reading = manager.run(() => Promise.reject(new TypeError('terminated'))).next()
  await expect(reading).rejects.toThrow('The connection failed once, and no more retries are left: terminated')
})

const many = new AggregateError([new Error('connect ECONNREFUSED ::1:8321'), new Error('the other')])
let deep = new Error('innermost of too many')
for (let depth = 0; depth < 20; depth++) deep = new Error(`at ${20 - depth}`, { cause: deep })
const cyclic = new Error('round')
cyclic.cause = cyclic

test.each([
  [new TypeError('fetch failed', { cause: many }), 'connect ECONNREFUSED ::1:8321'],
  [Object.assign(new Error(''), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [
    new Error('error sending request for url (http://me:pw@h:1/a/b?token=s): refused'),
    'error sending request for url (http://h:1): refused',
  ],
  [new Error('from 127.0.0.1:5 for https://h/secret?x#y (h)'), 'from 127.0.0.1:5 for https://h (h)'],
  [deep, 'at 8'],
  [cyclic, 'round'],
  [undefined, 'the connection failed'],
  [null, 'the connection failed'],
  [5, 'the connection failed'],
  [new Error('x'.repeat(1000)), 'x'.repeat(300)],
])('%s is reported as %s', (error, expected) => {
  expect(describeCause(error)).toBe(expected)
})
