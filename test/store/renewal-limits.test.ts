import { expect, test } from 'vitest'
import { RenewalLoop } from '../../src/store/postgres/cluster/renewal-loop.ts'
import { SharedLimits } from '../../src/store/postgres/cluster/shared-limits.ts'

const key = (taskId: string): { executionId: string; taskId: string; attempt: number } => ({
  executionId: 'x',
  taskId,
  attempt: 1,
})

/** The limits of one thread, as the other one sees them. */
function share(): { readonly own: SharedLimits; readonly other: SharedLimits } {
  const other = new SharedLimits()
  return { own: new SharedLimits(memory => other.addPage(memory)), other }
}

test('both threads see each limit, also beyond one page of memory', () => {
  const { own, other } = share()
  const places = Array.from({ length: 600 }, () => own.take())
  expect(new Set(places).size).toBe(600)
  for (const [at, place] of places.entries()) own.set(place, at + 0.5)
  expect(places.map(place => other.limitMs(place))).toEqual(places.map((_, at) => at + 1))
  const last = places[599] as number
  own.release(last)
  expect(own.take()).toBe(last)
  expect(other.limitMs(last)).toBe(0)
})

test('a limit counts from the look after its last change; one that was taken back ends nothing', async () => {
  const { own, other } = share()
  let now = 0
  const abandoned: unknown[] = []
  const loop = new RenewalLoop({
    workerId: 'w',
    ttlMs: 1e9,
    limits: other,
    now: () => now,
    query: async (_, values) => {
      abandoned.push(values[2])
      return []
    },
    onRenewed: () => {},
  })
  const [a, b, c] = [own.take(), own.take(), own.take()]
  loop.begin(key('a'), a)
  loop.begin(key('b'), b)
  loop.begin(key('c'), c)
  own.set(a, 100)
  own.set(b, 100)
  own.set(c, 100)
  await loop.tick(1)
  own.set(b, 100)
  own.set(c, 0)
  for (now = 50; now <= 100; now += 50) await loop.tick(1)
  expect(abandoned).toEqual([['"a"']])
  now = 150
  await loop.tick(1)
  expect(abandoned).toEqual([['"a"'], ['"b"']])
})
