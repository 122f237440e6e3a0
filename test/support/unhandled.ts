import { afterAll, expect } from 'vitest'

// Any unhandled rejection fails the file it happens in, whatever its tests assert.
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
process.on('unhandledRejection', note)

afterAll(async () => {
  await new Promise(resolve => setImmediate(resolve))
  // Files may share a process: the next one adds a listener of its own.
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})
