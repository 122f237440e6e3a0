import { expect, test } from 'vitest'
import { type ReconnectionOptions, StreamReconnectionManager } from '../../src/client/index.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { terminated } from './fake-server.ts'
import { complete, type Item, source, token } from './item-source.ts'

interface Trace {
  /** Items and callbacks in the order in which a reader sees them. */
  readonly seen: unknown[]
  /** What each connection was asked to begin behind. */
  readonly asked: (string | undefined)[]
}

/** Reads these connections, one after another, to the end. */
async function trace(connections: readonly AsyncIterable<Item>[], lastEventId?: string): Promise<Trace> {
  const clock = new FakeClock()
  const seen: unknown[] = []
  const asked: (string | undefined)[] = []
  const left = [...connections]
  const manager = new StreamReconnectionManager({ clock, jitter: 0, onReset: reset => void seen.push(reset) })
  const reading = (async () => {
    const open = (last: string | undefined): AsyncIterable<Item> => {
      asked.push(last)
      return left.shift() ?? source()
    }
    for await (const item of manager.run(open, lastEventId)) seen.push(item)
  })()
  await clock.run(100_000)
  await reading
  expect(clock.timerCount).toBe(0)
  return { seen, asked }
}

test('each connection begins after the last event, and an exact resume clears nothing', async () => {
  const { seen, asked } = await trace([
    source(token(1), token(2), terminated()),
    source(terminated()),
    source(token(3)),
    source(token(4), complete(5)),
  ])
  expect(seen).toEqual([token(1), token(2), token(3), token(4), complete(5)])
  expect(asked).toEqual([undefined, 'x.2', 'x.2', 'x.3'])
})

test('a place to begin after is asked for until there is a later one', async () => {
  const { seen, asked } = await trace(
    [source(terminated()), source(token(8), terminated()), source(complete(9))],
    'x.7',
  )
  expect([seen, asked]).toEqual([
    [token(8), complete(9)],
    ['x.7', 'x.7', 'x.8'],
  ])
})

test('events that a source repeats although it was given a position are dropped', async () => {
  const { seen } = await trace([
    source(token(1), token(2), terminated()),
    source(token(1), token(2), token(3), terminated()),
    source(token(1), token(2), token(3), token(3), complete(4)),
  ])
  expect(seen).toEqual([token(1), token(2), token(3), complete(4)])
})

test('places are numbers, not text', async () => {
  const { seen } = await trace([source(token(9), token(10), terminated()), source(token(9), token(11), complete(100))])
  expect(seen).toEqual([token(9), token(10), token(11), complete(100)])
})

test('ids of another execution, and of another form, are nothing to compare', async () => {
  const other = [token(1, 'y'), { type: 'token', id: '7' }, { type: 'token', id: '7' }, token(1, 'y')]
  const { seen } = await trace([source(token(5), ...other, complete(2))])
  expect(seen).toEqual([token(5), ...other, complete(2)])
})

test('a stream that was cut behind repeated events only is still cut', async () => {
  const { seen, asked } = await trace([source(token(1)), source(token(1)), source(token(1), complete(2))])
  expect([seen, asked]).toEqual([
    [token(1), complete(2)],
    [undefined, 'x.1', 'x.1'],
  ])
})

test('a last event that arrived before ends the run, too', async () => {
  expect(await trace([source(complete(7), token(8))], 'x.7')).toEqual({ seen: [], asked: ['x.7'] })
})

test('a snapshot clears what came before, and may go back', async () => {
  const snapshot: Item = { type: 'snapshot', id: 'x.3', data: { status: 'running' } }
  const { seen, asked } = await trace([
    source(token(5), terminated()),
    source(snapshot, token(4), terminated()),
    source(token(5), complete(6)),
  ])
  expect(seen).toEqual([token(5), { reason: 'snapshot' }, snapshot, token(4), token(5), complete(6)])
  expect(asked).toEqual([undefined, 'x.5', 'x.4'])
})

test('a retried attempt clears what its task streamed, also without a new connection', async () => {
  const retry: Item = { type: 'task_retry', id: 'x.3', data: { taskId: 'a' } }
  const nameless: Item = { type: 'task_retry', id: 'x.4' }
  const { seen } = await trace([source(token(1), retry, nameless, complete(5))])
  expect(seen).toEqual([token(1), { reason: 'retry', taskId: 'a' }, retry, { reason: 'retry' }, nameless, complete(5)])
})

test("a provider's new stream restarts: its first item is preceded by a reset, once", async () => {
  const content = (eventId: string): Item => ({ type: 'content', data: 'word', eventId })
  const done: Item = { type: 'done', eventId: '3' }
  const { seen, asked } = await trace([
    source(terminated()),
    source(content('1'), content('2'), terminated()),
    source(terminated()),
    source(content('1'), content('2'), done),
  ])
  expect(seen).toEqual([content('1'), content('2'), { reason: 'restart' }, content('1'), content('2'), done])
  expect(asked).toEqual([undefined, undefined, undefined, undefined])
})

test('an `error` event alone is nothing to clear', async () => {
  const fault: Item = { type: 'error', data: { executionId: 'x', error: 'gone', code: 'STORE_FAILED' } }
  const { seen } = await trace([source(fault), source(token(1), fault), source(complete(2))])
  expect(seen).toEqual([fault, token(1), fault, complete(2)])
})

test('the item waits for the callback, and what that throws ends the run', async () => {
  const seen: unknown[] = []
  let clear: (() => void) | undefined
  const failing = new Error('from the callback')
  const options: ReconnectionOptions = {
    onReset: ({ taskId }) =>
      taskId === 'b' ? Promise.reject(failing) : new Promise<void>(resolve => (clear = resolve)),
  }
  const retry = (seq: number, taskId: string): Item => ({ type: 'task_retry', id: `x.${seq}`, data: { taskId } })
  let isClosed = false
  async function* closing(): AsyncGenerator<Item, void, undefined> {
    try {
      yield* source(retry(1, 'a'), retry(2, 'b'), complete(3))
    } finally {
      isClosed = true
    }
  }
  const reading = (async () => {
    for await (const { id } of new StreamReconnectionManager(options).run(closing)) seen.push(id)
  })()
  reading.catch(() => {})
  await idle()
  expect(seen).toEqual([])
  clear?.()
  await expect(reading).rejects.toBe(failing)
  expect([seen, isClosed]).toEqual([['x.1'], true])
})
