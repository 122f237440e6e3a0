import { expect, onTestFinished, test, vi } from 'vitest'
import type { Hint } from '../../src/cluster/shared-store.ts'
import { HintLane } from '../../src/store/postgres/cluster/hint-lane.ts'

const log = (executionId: string): Hint => ({ kind: 'log', executionId })

test('an idle lane sends at once, and joins the hints of its pause', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]))
  lane.add(log('a'))
  await vi.advanceTimersByTimeAsync(1)
  for (const id of ['b', 'c', 'b']) lane.add(log(id))
  await vi.advanceTimersByTimeAsync(8)
  expect(sent).toEqual([['la']])
  await vi.advanceTimersByTimeAsync(3)
  expect(sent).toEqual([['la'], ['lb', 'lc']])
})

test('hints that another lane has taken are not sent again', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]))
  lane.add(log('a'))
  expect([...lane.take().keys()]).toEqual(['la'])
  await vi.advanceTimersByTimeAsync(50)
  lane.add(log('b'))
  await vi.advanceTimersByTimeAsync(50)
  expect(sent).toEqual([['lb']])
})

test('an idle lane with a delay leaves its hints to another one for so long', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]), 2)
  lane.add(log('a'))
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([['la']])
})
