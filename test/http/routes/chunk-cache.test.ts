import { expect, test } from 'vitest'
import { ChunkCache } from '../../../src/http/routes/chunk-cache.ts'
import { joinEntries } from '../../../src/sse/response-body.ts'
import { entries } from '../../sse/body-rig.ts'

const log = entries(1, 100)

test('readers at the same place are given the same bytes', () => {
  const cache = new ChunkCache(10_000)
  const bytes = cache.join(log.slice(0, 5))
  expect([cache.join(log.slice(0, 5)) === bytes, bytes]).toEqual([true, joinEntries(log.slice(0, 5))])
})

test('a stretch that begins at the same place and is longer is another one', () => {
  const cache = new ChunkCache(10_000)
  cache.join(log.slice(0, 5))
  expect(cache.join(log.slice(0, 6))).toEqual(joinEntries(log.slice(0, 6)))
  expect(cache.join(log.slice(0, 5))).toEqual(joinEntries(log.slice(0, 5)))
})

test('beyond its bound it forgets what was asked for least recently', () => {
  const size = joinEntries(log.slice(0, 1)).byteLength
  // Entries from 10 on are a byte or two longer.
  const cache = new ChunkCache(size * 2.5)
  const [one, two] = [cache.join(log.slice(0, 1)), cache.join(log.slice(1, 2))]
  const again = cache.join(log.slice(0, 1))
  cache.join(log.slice(2, 3))
  expect([again === one, cache.join(log.slice(0, 1)) === one]).toEqual([true, true])
  expect(cache.join(log.slice(1, 2)) === two).toBe(false)
})

test('a stretch larger than its bound is made, and not kept', () => {
  const cache = new ChunkCache(100)
  const bytes = cache.join(log)
  expect([bytes, cache.join(log) === bytes]).toEqual([joinEntries(log), false])
})
