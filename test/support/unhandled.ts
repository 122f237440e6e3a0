import { afterAll, expect } from 'vitest'

// Any unhandled rejection fails the file it happens in, whatever its tests assert.
const unhandled: unknown[] = []
process.on('unhandledRejection', reason => unhandled.push(reason))

afterAll(async () => {
  await new Promise(resolve => setImmediate(resolve))
  expect(unhandled).toEqual([])
})
