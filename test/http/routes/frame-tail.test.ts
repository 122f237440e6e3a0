import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LogEntry } from '../../../src/events/log-entry.ts'
import { FrameTail } from '../../../src/http/routes/frame-tail.ts'
import { joinEntries } from '../../../src/sse/response-body.ts'
import { entries, timestamp } from '../../sse/body-rig.ts'

const log = entries(1, 60)

/** An entry whose frame has characters of one to four bytes, `length` times. */
function wide(seq: number, length: number): LogEntry {
  const data = { executionId: 'x', timestamp, taskId: 'ü', attempt: 1, text: 'aü€👍'.repeat(length) }
  return new LogEntry(seq, 'token', data)
}

test('of any reads, the frames after any place are those that each reader would have made', () => {
  const read = fc.record({ after: fc.nat({ max: 19 }), count: fc.integer({ min: 1, max: 8 }) })
  const lengths = fc.array(fc.constantFrom(0, 1, 40, 3000), { minLength: 20, maxLength: 20 })
  fc.assert(
    fc.property(lengths, fc.array(read, { maxLength: 15 }), fc.boolean(), (sizes, reads, isWide) => {
      const all = isWide ? sizes.map((size, index) => wide(index + 1, size)) : log
      const tail = new FrameTail()
      for (const { after, count } of reads) {
        const known = tail.take(after)
        if (known === undefined) {
          const asked = all.slice(after, after + count)
          expect(Buffer.compare(tail.append(asked), joinEntries(asked))).toBe(0)
        } else {
          const expected = joinEntries(all.slice(after, known.lastSeq))
          expect(Buffer.compare(known.bytes, expected)).toBe(0)
        }
      }
    }),
  )
})

test('readers at the same place are given the same bytes, and later frames with them once there are some', () => {
  const tail = new FrameTail()
  tail.append(log.slice(0, 5))
  const first = tail.take(2)
  expect(first).toMatchObject({ lastSeq: 5 })
  expect(tail.take(2)).toBe(first)
  expect([tail.take(5), tail.nextSeq]).toEqual([undefined, 6])
  tail.append(log.slice(5, 7))
  expect([tail.take(5)?.lastSeq, tail.take(2)?.lastSeq]).toEqual([7, 7])
  expect(Buffer.compare(first?.bytes as Uint8Array, joinEntries(log.slice(2, 5)))).toBe(0)
})

test('entries that do not follow the others replace them', () => {
  const tail = new FrameTail()
  tail.append(log.slice(10, 15))
  expect([tail.firstSeq, tail.nextSeq, tail.take(9), tail.take(10)?.lastSeq]).toEqual([11, 16, undefined, 15])
  tail.append(log.slice(20, 25))
  expect([tail.firstSeq, tail.nextSeq, tail.take(10), tail.take(20)?.lastSeq]).toEqual([21, 26, undefined, 25])
  tail.append(log.slice(0, 5))
  expect([tail.firstSeq, tail.nextSeq, tail.take(20), tail.take(0)?.lastSeq]).toEqual([1, 6, undefined, 5])
})

test('it reports its memory, and drops the oldest block first', () => {
  const tail = new FrameTail()
  expect(tail.bytes).toBe(0)
  const large = Array.from({ length: 4 }, (_, index) => wide(index + 1, 4000))
  for (const entry of large) tail.append([entry])
  const before = tail.bytes
  const sum = joinEntries(large).byteLength
  expect(before).toBeGreaterThan(sum)
  expect(before).toBeLessThan(1.7 * sum)
  tail.dropOldest()
  expect(tail.bytes).toBeLessThan(before)
  expect([tail.take(0), tail.take(3)?.lastSeq]).toEqual([undefined, 4])
  tail.clear()
  expect([tail.bytes, tail.take(3)]).toEqual([0, undefined])
})
