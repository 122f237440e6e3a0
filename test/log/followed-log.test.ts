import { expect, test } from 'vitest'
import { EventLog } from '../../src/log/event-log.ts'
import { appendEnd, appendTokens, FakeStorage, openLog, takeAll } from './log-rig.ts'

const OUTPUTS = { putOutput() {}, getOutput: () => undefined, note() {} }

/** A storage, a log that is written to it, and another log that follows it. */
async function followedRig(): Promise<{ storage: FakeStorage; written: EventLog; followed: EventLog }> {
  const storage = new FakeStorage()
  const written = openLog(storage)
  await appendTokens(written, 2)
  const followed = await EventLog.restore('x', Object.assign(storage, OUTPUTS))
  return { storage, written, followed }
}

test('a followed log publishes what another log has appended, and wakes its readers', async () => {
  const { written, followed } = await followedRig()
  const cursor = followed.open(2)
  let wakeCount = 0
  cursor.onReadable(() => (wakeCount += 1))
  await followed.advance()
  expect([followed.head, wakeCount]).toEqual([2, 0])
  await appendTokens(written, 3000)
  await followed.advance()
  expect([followed.head, wakeCount]).toEqual([3002, 1])
  await appendEnd(written)
  await followed.advance()
  expect([followed.ending, followed.state]).toEqual(['complete', written.state])
  expect((await takeAll(cursor)).length).toBe(3001)
})

test('a followed log that has ended reads nothing more', async () => {
  const { storage, written, followed } = await followedRig()
  await appendEnd(written)
  await followed.advance()
  const { length } = storage.reads
  await followed.advance()
  expect(storage.reads.length).toBe(length)
})

test('a detached log publishes an append in flight only once it is read', async () => {
  const { storage, written } = await followedRig()
  storage.isLater = true
  const appended = appendTokens(written, 2)
  written.detach()
  storage.settle()
  await appended
  expect(written.head).toBe(2)
  await written.advance()
  expect(written.head).toBe(4)
  await appendTokens(written, 1)
  expect(storage.entries.length).toBe(4)
})
