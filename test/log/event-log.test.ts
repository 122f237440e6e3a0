import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { appendEnd, appendTokens, FakeStorage, follow, openLog, show, takeAll, TIMESTAMP, tokens } from './log-rig.ts'

test('an entry is visible once its append has settled, and not before', async () => {
  const storage = new FakeStorage()
  storage.isLater = true
  const log = openLog(storage)
  const cursor = log.open()
  let woken = 0
  cursor.onReadable(() => void woken++)
  const appended = appendTokens(log, 2)
  await idle()
  expect([log.head, log.state.seq, woken, await takeAll(cursor)]).toEqual([0, 0, 0, []])
  storage.settle()
  await appended
  expect([log.head, log.state.seq, woken]).toEqual([2, 2, 1])
  expect(show(await takeAll(cursor))).toEqual(tokens(1, 2))
})

test('a cursor that reads the store sees nothing that has not settled', async () => {
  const storage = new FakeStorage()
  const log = openLog(storage, { maxTailEvents: 1 })
  await appendTokens(log, 3)
  storage.isLater = true
  const appended = appendTokens(log, 3)
  const cursor = log.open()
  expect(show(await takeAll(cursor))).toEqual(tokens(1, 3))
  storage.settle()
  await appended
  expect(show(await takeAll(cursor))).toEqual(tokens(4, 6))
})

test('entries whose append fails are not in the log', async () => {
  const storage = new FakeStorage()
  const log = openLog({ append: () => Promise.reject(new Error('disk full')), read: () => [] })
  await expect(appendTokens(log, 1)).rejects.toThrow('disk full')
  const throwing = openLog({
    append() {
      throw new Error('disk full')
    },
    read: () => [],
  })
  expect(() => appendTokens(throwing, 1)).toThrow('disk full')
  expect([log.head, throwing.head, storage.entries]).toEqual([0, 0, []])
})

test('a failed log ends its readers with an error event that has no id, after everything else', async () => {
  const log = openLog()
  await appendTokens(log, 2)
  const [early, late, beyond] = [log.open(), log.open(1), log.open(9)]
  const followed = follow(early)
  await idle()
  log.fail({ error: 'The store failed', code: 'STORE_FAILED', timestamp: TIMESTAMP })
  log.fail({ error: 'Another', code: 'FENCED', timestamp: TIMESTAMP })
  expect(show(await followed)).toEqual([...tokens(1, 2), 'error'])
  expect(show(await follow(late))).toEqual(['token:2', 'error'])
  expect(show(await follow(beyond))).toEqual(['snapshot:2', 'error'])
  expect((await follow(log.open(2))).map(entry => entry.toEvent())).toEqual([
    {
      type: 'error',
      data: { executionId: 'x', timestamp: TIMESTAMP, error: 'The store failed', code: 'STORE_FAILED' },
    },
  ])
  expect([early.done, late.done, beyond.done]).toEqual([true, true, true])
})

test('every reader is notified of every append once, and of the end', async () => {
  const log = openLog()
  const cursors = Array.from({ length: 100 }, () => log.open())
  const followed = Promise.all(cursors.map(cursor => follow(cursor)))
  for (let i = 0; i < 5; i++) {
    await appendTokens(log, 2)
    await idle()
  }
  await appendEnd(log)
  const expected = [...tokens(1, 10), 'execution_complete:11']
  expect((await followed).map(show)).toEqual(cursors.map(() => expected))
  expect(log.cursorCount).toBe(100)
  for (const cursor of cursors) cursor.close()
  expect(log.cursorCount).toBe(0)
})

test('a reader that closes or opens others when it wakes disturbs no other', async () => {
  const log = openLog()
  const [first, second, third] = [log.open(), log.open(), log.open()]
  let woken = 0
  first.onReadable(() => {
    second.close()
    log.open().onReadable(() => void woken++)
  })
  second.onReadable(() => void woken++)
  third.onReadable(() => void woken++)
  await appendTokens(log, 1)
  expect([log.cursorCount, show(await takeAll(third)), await takeAll(second)]).toEqual([3, ['token:1'], []])
  expect(woken).toBeGreaterThanOrEqual(1)
})
