import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReadyQueue } from '../../src/scheduler/ready-queue.ts'

test('numbers come out smallest first, however they were put in', () => {
  const steps = fc.array(fc.option(fc.nat({ max: 1000 }), { freq: 3 }))
  fc.assert(
    fc.property(steps, ranks => {
      const queue = new ReadyQueue()
      const model: number[] = []
      for (const rank of ranks) {
        if (rank === null) expect(queue.take()).toBe(model.shift())
        else {
          queue.add(rank)
          model.push(rank)
          model.sort((a, b) => a - b)
        }
        expect(queue.size).toBe(model.length)
      }
      while (model.length > 0) expect(queue.take()).toBe(model.shift())
      expect(queue.take()).toBeUndefined()
    }),
  )
})

test('a cleared queue is empty and can be used again', () => {
  const queue = new ReadyQueue()
  for (const rank of [3, 1, 2]) queue.add(rank)
  queue.clear()
  expect([queue.size, queue.take()]).toEqual([0, undefined])
  queue.add(5)
  expect(queue.take()).toBe(5)
})
